"""Values by which a header names an organ or an exam, and what each means in words.

Image Type: the defined terms of PS3.3 C.8.5.6.1.1 and what makers write beside them. Body Part Examined and
the meanings of anatomic codes: PS3.16 annex L. Terms that fit an exam of the ovary are in no table.
"""

import re
import unicodedata

_HEART, _VESSEL = "the heart", "the inside of a vessel"

# Image Type, value 3 on: an ovary is never seen with these.
OTHER_IMAGE_TYPES = {
    "BREAST": "the breast",
    "CARDIAC": _HEART,
    "CARDIOLOGY": _HEART,
    "CHEST": "the chest",
    "EPICARDIAL": _HEART,
    "FETAL HEART": "a fetal heart",
    "INTRACARDIAC": _HEART,
    "INTRAVASCULAR": _VESSEL,
    "MUSCULOSKELETAL": "muscles or joints",
    "NEONATAL HEAD": "a newborn's head",
    "OPHTHALMIC": "the eye",
    "PEDIATRIC": "a child",
    "SCROTAL": "the scrotum",
    "SMALL PARTS": "small parts, as the thyroid",
    "TEE": "the heart from the oesophagus",
    "THYROID": "the thyroid",
    "TRANSCRANIAL": "the head",
    "TTE": _HEART,
}
# An ovary may be seen with these, if not often.
DOUBTFUL_IMAGE_TYPES = {
    "ABDOMINAL": "the abdomen",
    "ENDORECTAL": "a view from the rectum",
    "INTRAOPERATIVE": "an operation",
    "OBSTETRICAL": "a pregnancy",
    "RETROPERITONEAL": "the retroperitoneum",
    "VASCULAR": "vessels",
}


def _terms(text: str) -> frozenset[str]:
    return frozenset(term.strip() for term in text.split(","))


OTHER_BODY_PARTS = _terms(
    "ANKLE, ANUS, ARM, AXILLA, BRAIN, BREAST, CALF, CAROTID, CAROTID ARTERY, CEREBELLUM, CHEST, ELBOW, "
    "ESOPHAGUS, EXTREMITY, EYE, FETAL HEART, FINGER, FOOT, FOREARM, HAND, HEAD, HEART, HEART STRUCTURE, "
    "HIP, KNEE, LEG, LOWER LEG, NECK, ORBIT, PAROTID, PENIS, PROSTATE, SCROTUM, SHOULDER, SKULL, TESTIS, "
    "THIGH, THYMUS, THYROID, THYROID GLAND, TOE, TONGUE, UPPER ARM, WRIST"
)
DOUBTFUL_BODY_PARTS = _terms(
    "ABDOMEN, AORTA, APPENDIX, BLADDER, COLON, FETUS, GALLBLADDER, KIDNEY, LIVER, PANCREAS, PLACENTA, "
    "RECTUM, SPLEEN, STOMACH, URETER"
)

# Words of free text, without accents, whole or from their beginning (those that end in *). "echo" is missing:
# in several languages it is the word for ultrasound.
_WORDS = {
    "the heart": "cardiac cardiology echocardio* herzecho* herz heart tte tee transoesophageal "
    "transesophageal kardio* cardiaque corazon cuore",
    "the breast": "breast breasts mamma mammasono* mammary mammaire mammella senologia",
    "the thyroid": "thyroid thyroide thyroidea schilddruse schildklier tiroides tiroide",
    "the carotid artery": "carotid carotis carotide carotides",
    "the prostate or the testis": "prostate prostata scrotum scrotal scrotale testis testes testicle "
    "testicular testiculo* hoden skrotum",
    "muscles or joints": "musculoskeletal shoulder knee schulter knie epaule genou hombro rodilla",
    "a pregnancy": "obstetric obstetrics obstetrical obstetrique pregnancy pregnant schwangerschaft "
    "grossesse embarazo gravidanza fetal foetal fetus foetus",
    "a child": "pediatric pediatrics paediatric paediatrics padiatrie pediatrie pediatria neonatal newborn "
    "neugeborene*",
}
# A text that names what belongs to the ovary too is about her history, or about both.
_OVARIAN = (
    "ovary ovaries ovarian ovar ovarien ovaire ovaires ovario ovarios ovaie adnexa adnexal adnexe adnexen "
    "adnex pelvis pelvic pelvien pelvienne pelvico pelvica becken uterus uterine uterin uterina utero gyn "
    "gyne gynae gyna* gyne* gine* transvaginal endovaginal transvaginale tvs tvus"
)


def _pattern(words: str) -> re.Pattern[str]:
    each = (word[:-1] + r"\w*" if word.endswith("*") else word for word in words.split())
    return re.compile(rf"(?<![^\W_])(?:{'|'.join(each)})(?![^\W_])")


_OVARY = _pattern("ovary ovaries ovarian ovar* ovaire* ovaie adnex* annexe*")
_FOREIGN = {what: _pattern(words) for what, words in _WORDS.items()}
_OWN = _pattern(_OVARIAN)


def _plain(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKD", text.lower()) if not unicodedata.combining(c))


def find_organs(text: str) -> tuple[str, ...]:
    """What a free text says that the exam is of, as far as that is not the ovary; () in doubt."""
    plain = _plain(text)
    if _OWN.search(plain):
        return ()
    return tuple(what for what, words in _FOREIGN.items() if words.search(plain))


def names_pelvis_alone(text: str) -> bool:
    """Whether a text speaks of the female pelvis or of gynaecology, and names no ovary."""
    plain = _plain(text)
    return bool(_OWN.search(plain)) and not _OVARY.search(plain)
