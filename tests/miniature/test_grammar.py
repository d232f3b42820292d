"""Minimal pairs: one frame apart, so that one rule of the grammar decides the difference."""

import pytest
from sayings import event, say

ENGLISH = [
    (event("teacher", "praise", "doctor"), {}, "The teacher praised the doctor."),
    (event("doctor", "praise", "teacher"), {}, "The doctor praised the teacher."),
    (event("teacher", "wake", "sheep"), {"passive": True}, "The sheep was woken by the teacher."),
    (
        event("teacher", "wake", "2 sheep"),
        {"passive": True},
        "Two sheep were woken by the teacher.",
    ),
    (event("nurse", "draw", "dog", negated=True), {}, "The nurse did not draw the dog."),
    (
        event("nurse", "draw", "dog", negated=True),
        {"passive": True},
        "The dog was not drawn by the nurse.",
    ),
    (event("nurse", "draw", "dog"), {"asked": "agent"}, "Who drew the dog?"),
    (event("nurse", "draw", "dog"), {"asked": "patient"}, "What did the nurse draw?"),
    (event("nurse", "praise", "pilot"), {"asked": "patient"}, "Who did the nurse praise?"),
]
GERMAN = [
    # case of article, adjective and weak noun
    (event("old pilot", "praise", "nurse"), {}, "Der alte Pilot hat die Krankenschwester gelobt."),
    (
        event("nurse", "praise", "old pilot"),
        {},
        "Die Krankenschwester hat den alten Piloten gelobt.",
    ),
    (
        event("old pilot", "praise", "nurse"),
        {"passive": True},
        "Die Krankenschwester wurde vom alten Piloten gelobt.",
    ),
    # strong and weak adjectives in the plural
    (event("2 old pilot", "buy", "car"), {}, "Zwei alte Piloten haben das Auto gekauft."),
    (event("all old pilot", "buy", "car"), {}, "Alle alten Piloten haben das Auto gekauft."),
    # an indefinite object after the scene, a definite one before it
    (
        event("cook", "hire", "2 driver", "market", "tuesday"),
        {},
        "Der Koch hat am Dienstag auf dem Markt zwei Fahrer eingestellt.",
    ),
    (
        event("cook", "hire", "all driver", "market", "tuesday"),
        {},
        "Der Koch hat alle Fahrer am Dienstag auf dem Markt eingestellt.",
    ),
    # "nicht" before the participle, after the agent of a passive; verb second
    (
        event("cook", "hire", "driver", "market", "tuesday", negated=True),
        {"fronted": True},
        "Am Dienstag hat der Koch den Fahrer auf dem Markt nicht eingestellt.",
    ),
    (
        event("cook", "hire", "driver", "market", negated=True),
        {"passive": True},
        "Der Fahrer wurde auf dem Markt vom Koch nicht eingestellt.",
    ),
    (event("cook", "hire", "driver"), {"asked": "patient"}, "Wen hat der Koch eingestellt?"),
    (event("cook", "hire", "driver"), {"asked": "agent"}, "Wer hat den Fahrer eingestellt?"),
]
SPANISH = [
    # personal "a" and its contraction; none before things
    (event("nurse", "praise", "doctor"), {}, "La enfermera elogió al médico."),
    (event("doctor", "praise", "nurse"), {}, "El médico elogió a la enfermera."),
    (event("doctor", "buy", "guitar"), {}, "El médico compró la guitarra."),
    # agreement of participle and adjective
    (
        event("doctor", "buy", "2 red guitar"),
        {"passive": True},
        "Dos guitarras rojas fueron compradas por el médico.",
    ),
    (
        event("doctor", "buy", "red car"),
        {"passive": True},
        "El coche rojo fue comprado por el médico.",
    ),
    (event("2 nurse", "wake", "dog"), {}, "Dos enfermeras despertaron al perro."),
    (event("nurse", "wake", "pilot"), {"asked": "patient"}, "¿A quién despertó la enfermera?"),
    (event("nurse", "wake", "pilot"), {"asked": "agent"}, "¿Quién despertó al piloto?"),
]
CHINESE = [
    # classifiers, also after 那 of one; 了 gives way to 没有; place before the verb; 都; 是 ... 的
    (event("2 teacher", "sell", "car"), {}, "两位老师卖了那辆汽车。"),
    (event("teacher", "sell", "2 car"), {}, "那位老师卖了两辆汽车。"),
    (event("teacher", "sell", "3 black horse"), {}, "那位老师卖了三匹黑马。"),
    (
        event("teacher", "praise", "pilot", "park", negated=True),
        {},
        "那位老师没有在公园表扬那名飞行员。",
    ),
    (
        event("teacher", "praise", "pilot", "park"),
        {"passive": True},
        "那名飞行员在公园被那位老师表扬了。",
    ),
    (event("all teacher", "praise", "pilot"), {}, "所有老师都表扬了那名飞行员。"),
    (event("teacher", "praise", "all pilot"), {}, "那位老师表扬了所有飞行员。"),
    (
        event("3 person", "find", "2 car", time="wednesday"),
        {"fronted": True},
        "星期三，三个人找到了两辆汽车。",
    ),
    (event("teacher", "praise", "pilot"), {"asked": "agent"}, "谁表扬了那名飞行员？"),
    (event("teacher", "praise", "pilot"), {"asked": "place"}, "那位老师是在哪儿表扬那名飞行员的？"),
    (event("teacher", "sell", "car"), {"asked": "patient"}, "那位老师卖了什么东西？"),
    # a small cow is no calf, and 黑 alone goes with names of one syllable
    (event("2 cook", "calm", "small cow"), {}, "两名厨师安抚了那头体型小的牛。"),
    (event("nurse", "wake", "black animal"), {}, "那位护士叫醒了那只黑色动物。"),
]
TURKISH = [
    # definite accusative in vowel harmony, with consonant softening; bare counted things
    (event("teacher", "find", "car"), {}, "Öğretmen arabayı buldu."),
    (event("teacher", "find", "dog"), {}, "Öğretmen köpeği buldu."),
    (event("teacher", "find", "2 car"), {}, "Öğretmen iki araba buldu."),
    (event("teacher", "find", "2 car"), {"asked": "agent"}, "İki arabayı kim buldu?"),
    (event("teacher", "praise", "2 doctor"), {}, "Öğretmen iki doktoru övdü."),
    (event("doctor", "praise", "teacher"), {}, "Doktor öğretmeni övdü."),
    (event("doctor", "praise", "teacher"), {"passive": True}, "Öğretmen doktor tarafından övüldü."),
    (event("doctor", "praise", "teacher", negated=True), {}, "Doktor öğretmeni övmedi."),
    (event("doctor", "praise", "teacher"), {"asked": "agent"}, "Öğretmeni kim övdü?"),
    (event("doctor", "praise", "teacher"), {"asked": "patient"}, "Doktor kimi övdü?"),
]
RUSSIAN = [
    # gender of the past; accusative of the animate and the lifeless; numerals
    (event("nurse", "wake", "student"), {}, "Медсестра разбудила студента."),
    (event("student", "wake", "nurse"), {}, "Студент разбудил медсестру."),
    (event("student", "sell", "truck"), {}, "Студент продал грузовик."),
    (event("2 young student", "sell", "truck"), {}, "Два молодых студента продали грузовик."),
    (event("2 young nurse", "sell", "truck"), {}, "Две молодые медсестры продали грузовик."),
    (event("5 student", "wake", "nurse"), {}, "Пять студентов разбудили медсестру."),
    (event("nurse", "wake", "2 student"), {}, "Медсестра разбудила двух студентов."),
    (event("nurse", "sell", "2 truck"), {}, "Медсестра продала два грузовика."),
    (event("nurse", "sell", "violin"), {"passive": True}, "Скрипка была продана медсестрой."),
    (event("pilot", "sell", "truck"), {"passive": True}, "Грузовик был продан лётчиком."),
    (event("nurse", "wake", "student"), {"asked": "patient"}, "Кого разбудила медсестра?"),
    (event("nurse", "wake", "student"), {"asked": "agent"}, "Кто разбудил студента?"),
]
SWAHILI = [
    # noun classes in subject, object, adjective and numeral
    (event("teacher", "praise", "doctor"), {}, "Mwalimu alimsifu daktari."),
    (event("2 teacher", "praise", "doctor"), {}, "Walimu wawili walimsifu daktari."),
    (event("teacher", "praise", "2 doctor"), {}, "Mwalimu aliwasifu madaktari wawili."),
    (event("teacher", "buy", "2 red car"), {}, "Mwalimu alinunua magari mekundu mawili."),
    (event("teacher", "buy", "2 red bicycle"), {}, "Mwalimu alinunua baiskeli nyekundu mbili."),
    (event("teacher", "buy", "car"), {"passive": True}, "Gari lilinunuliwa na mwalimu."),
    (event("teacher", "praise", "doctor", negated=True), {}, "Mwalimu hakumsifu daktari."),
    (event("teacher", "invite", "doctor"), {}, "Mwalimu alimwalika daktari."),
    (event("teacher", "sell", "dog"), {}, "Mwalimu alimuuza mbwa."),
    (event("teacher", "praise", "doctor"), {"asked": "agent"}, "Nani alimsifu daktari?"),
]
JAPANESE = [
    # particles, counters, その beside the topic, passive of the living and topic of the lifeless
    (event("teacher", "praise", "doctor"), {}, "教師はその医者を褒めました。"),
    (event("doctor", "praise", "teacher"), {}, "医者はその教師を褒めました。"),
    (event("teacher", "praise", "doctor"), {"passive": True}, "医者はその教師に褒められました。"),
    (event("teacher", "buy", "car"), {"passive": True}, "車はその教師が買いました。"),
    (event("2 teacher", "buy", "3 car"), {}, "二人の教師が三台の車を買いました。"),
    (event("teacher", "buy", "car", negated=True), {}, "教師はその車を買いませんでした。"),
    (event("teacher", "praise", "doctor"), {"asked": "agent"}, "誰がその医者を褒めましたか。"),
    (event("teacher", "praise", "doctor"), {"asked": "patient"}, "教師は誰を褒めましたか。"),
    (event("2 teacher", "praise", "doctor"), {}, "二人の教師がその医者を褒めました。"),
    (
        event("2 teacher", "praise", "doctor"),
        {"asked": "patient"},
        "二人の教師は誰を褒めましたか。",
    ),
    # what lives is lost from sight
    (event("teacher", "lose", "dog"), {}, "教師はその犬を見失いました。"),
    (event("teacher", "lose", "car"), {}, "教師はその車をなくしました。"),
]
FRENCH = [
    # elision, agreement of the passive participle, adjective before or after, "ne ... pas"
    (event("student", "wake", "nurse"), {}, "L'étudiant a réveillé l'infirmière."),
    (
        event("student", "wake", "2 nurse"),
        {"passive": True},
        "Deux infirmières ont été réveillées par l'étudiant.",
    ),
    (event("old student", "sell", "black dog"), {}, "Le vieil étudiant a vendu le chien noir."),
    (event("old pilot", "sell", "red car"), {}, "Le vieux pilote a vendu la voiture rouge."),
    (event("pilot", "sell", "car", negated=True), {}, "Le pilote n'a pas vendu la voiture."),
    (event("student", "sell", "car"), {"asked": "patient"}, "Qu'est-ce que l'étudiant a vendu ?"),
    (event("nurse", "wake", "pilot"), {"asked": "agent"}, "Qui a réveillé le pilote ?"),
]
HINDI = [
    # ने and the oblique; को of the living; the verb agrees with an unmarked object
    (event("nurse", "praise", "doctor"), {}, "नर्स ने डॉक्टर की प्रशंसा की।"),
    (event("doctor", "buy", "car"), {}, "डॉक्टर ने कार ख़रीदी।"),
    (event("doctor", "buy", "piano"), {}, "डॉक्टर ने पियानो ख़रीदा।"),
    (event("doctor", "buy", "2 car"), {}, "डॉक्टर ने दो कारें ख़रीदीं।"),
    (event("2 doctor", "find", "black dog"), {}, "दो डॉक्टरों ने काले कुत्ते को ढूँढ़ निकाला।"),
    (event("doctor", "buy", "2 car"), {"passive": True}, "दो कारें डॉक्टर द्वारा ख़रीदी गईं।"),
    (event("doctor", "repair", "car", negated=True), {}, "डॉक्टर ने कार ठीक नहीं की।"),
    (event("nurse", "praise", "doctor"), {"asked": "agent"}, "डॉक्टर की प्रशंसा किसने की?"),
    # what is praised is a possessor, so that the verb agrees with the praise
    (
        event("nurse", "criticize", "2 doctor"),
        {"passive": True},
        "दो डॉक्टरों की आलोचना नर्स द्वारा की गई।",
    ),
]
ALL = {
    "en": ENGLISH, "de": GERMAN, "es": SPANISH, "zh": CHINESE, "tr": TURKISH, "ru": RUSSIAN,
    "sw": SWAHILI, "ja": JAPANESE, "fr": FRENCH, "hi": HINDI,
}  # fmt: skip


@pytest.mark.parametrize(
    ("code", "frame", "options", "said"),
    [(code, *case) for code, cases in ALL.items() for case in cases],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_minimal_pair(code, frame, options, said):
    assert say(code, frame, **options) == said
