"use strict";
(() => {
  const traces = JSON.parse(document.getElementById("traces").textContent);

  // ---- what is behind a number: shown on hover and focus, kept by a click, gone by Escape ----
  const note = document.createElement("div");
  note.className = "note";
  note.id = "note";
  note.setAttribute("role", "status");
  note.hidden = true;
  document.body.append(note);
  let kept = null;

  const line = (tag, text) => {
    const made = document.createElement(tag);
    made.textContent = text;
    return made;
  };

  // A cell of the study: its key and name, which lead to its row in the table of runs.
  const cell = (name, key) => {
    const item = document.createElement("li");
    const link = line("a", `${key}  ${name}`);
    link.href = `#${name}`;
    item.append(document.getElementById(name) ? link : line("span", link.textContent));
    return item;
  };

  const fill = (trace) => {
    note.replaceChildren();
    if (trace.interval) note.append(line("p", `Interval: ${trace.interval}`));
    note.append(line("p", trace.source));
    if (trace.cells.length) {
      const seeds = trace.seeds === 1 ? "1 seed" : `${trace.seeds} seeds`;
      const runs = trace.runs ? `${trace.runs} ${trace.runs === 1 ? "run" : "runs"}, ${seeds}; ` : "";
      note.append(line("p", `${runs}cells by their keys:`));
      const list = document.createElement("ul");
      for (const place of trace.cells) list.append(cell(...traces.cells[place]));
      if (trace.more) list.append(line("li", `and ${trace.more} more`));
      note.append(list);
    }
    const command = document.createElement("p");
    command.append(line("code", `xstilts explain ${traces.study} ${trace.key}`));
    note.append(command);
  };

  const show = (number) => {
    fill(traces.numbers[Number(number.dataset.n)]);
    note.hidden = false;
    const at = number.getBoundingClientRect();
    const left = Math.min(at.left, document.documentElement.clientWidth - note.offsetWidth - 12);
    const below = at.bottom + note.offsetHeight + 8 < window.innerHeight || at.top < note.offsetHeight + 8;
    const top = below ? at.bottom + 4 : at.top - note.offsetHeight - 4;
    note.style.left = `${Math.max(8, left) + window.scrollX}px`;
    note.style.top = `${top + window.scrollY}px`;
  };

  const hide = () => {
    note.hidden = true;
    kept = null;
  };

  for (const number of document.querySelectorAll("data[data-n]")) {
    number.removeAttribute("title");
    // In a table, hundreds of stops would stand between the keyboard and what follows.
    if (!number.closest("table")) number.tabIndex = 0;
    number.setAttribute("role", "button");
    number.setAttribute("aria-describedby", "note");
    number.addEventListener("mouseenter", () => kept || show(number));
    number.addEventListener("mouseleave", () => kept || hide());
    number.addEventListener("focus", () => kept || show(number));
    number.addEventListener("blur", () => kept || hide());
    number.addEventListener("keydown", (event) => event.key === "Enter" && number.click());
    number.addEventListener("click", (event) => {
      event.stopPropagation();
      if (kept === number) return hide();
      show(number);
      kept = number;
    });
  }
  note.addEventListener("click", (event) => event.stopPropagation());
  document.addEventListener("click", () => note.hidden || hide());
  document.addEventListener("keydown", (event) => event.key === "Escape" && hide());

  // ---- tables: a click on a column's head sorts each group of rows by it ----
  const units = { K: 1e3, M: 1e6, B: 1e9, seconds: 1, minutes: 60, hours: 3600, days: 86400 };

  const value = (row, column) => {
    const cell = row.cells[column];
    const text = (cell.firstChild ? cell.firstChild.textContent : "").trim();
    const found = text.replaceAll("−", "-").replaceAll(",", "").match(/^[<+]?(-?\d+(?:\.\d+)?)\s*([A-Za-z]*)/);
    const power = text.match(/× 10([⁰¹²³⁴⁵⁶⁷⁸⁹]+)/);
    const exponent = power ? Number([...power[1]].map((one) => "⁰¹²³⁴⁵⁶⁷⁸⁹".indexOf(one)).join("")) : 0;
    return found ? Number(found[1]) * (units[found[2]] || 1) * 10 ** exponent : text;
  };

  const compare = (one, other) => {
    if (typeof one === typeof other) return typeof one === "number" ? one - other : one.localeCompare(other);
    return typeof one === "number" ? -1 : 1; // what is no number stands last
  };

  const sort = (table, column, way) => {
    const body = table.tBodies[0];
    let group = [];
    const sorted = [];
    const close = () => {
      group.sort((one, other) => way * compare(value(one, column), value(other, column)));
      sorted.push(...group);
      group = [];
    };
    for (const row of [...body.rows]) {
      if (row.classList.contains("group")) {
        close();
        sorted.push(row);
      } else group.push(row);
    }
    close();
    body.append(...sorted);
  };

  for (const head of document.querySelectorAll("thead th")) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const way = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
      for (const other of head.parentNode.cells) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", way === 1 ? "ascending" : "descending");
      sort(head.closest("table"), head.cellIndex, way);
    });
  }

  // ---- figures: a click fills the window ----
  const dialog = document.createElement("dialog");
  dialog.append(document.createElement("img"));
  dialog.addEventListener("click", () => dialog.close());
  document.body.append(dialog);
  for (const picture of document.querySelectorAll("figure > img")) {
    picture.classList.add("zoomable");
    picture.tabIndex = 0;
    const open = () => {
      dialog.firstChild.src = picture.src;
      dialog.firstChild.alt = picture.alt;
      dialog.showModal();
    };
    picture.addEventListener("click", open);
    picture.addEventListener("keydown", (event) => event.key === "Enter" && open());
  }
})();
