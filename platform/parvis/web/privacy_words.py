"""Words for privacy profiles and for why something is masked, as administrators and people read."""

from collections.abc import Mapping

from parvis.web.i18n import N_

PROFILES: Mapping[str, str] = {
    "mask": N_("Mask and restore"),
    "mask-only": N_("Mask only, never restored"),
    "generalise": N_("Coarse facts in place of values"),
    "block": N_("No personal data at all"),
    "pass": N_("Personal data passes in clear"),
}
# what a person should know before writing to such an assistant; nothing more of `mask`
TOLD: Mapping[str, str] = {
    "mask-only": N_(
        "Personal data does not come back here: the answer shows neutral words such as [name 1]."
    ),
    "generalise": N_(
        "In place of personal data the model gets coarse facts, such as an age band or a town."
    ),
    "block": N_("This assistant takes no personal data: a text that holds some is refused."),
    "pass": N_(
        "Personal data goes to the model in clear here, for a need that your agency has recorded."
    ),
}
# every sentence that `parvis.privacy.explain` may say; a test compares
WHYS: tuple[str, ...] = (
    N_("a title stands before it"),
    N_("it fills a field of a form"),
    N_("a family word stands before it"),
    N_("it is greeted"),
    N_("it signs"),
    N_("somebody says to be it"),
    N_("somebody says to be called so"),
    N_("somebody says to be called so, in a text of one case"),
    N_("a known first name with a surname"),
    N_("a surname with a known first name"),
    N_("a known first name"),
    N_("a known first name, in a text of one case"),
    N_("a known first name after an article"),
    N_("a surname after an initial"),
    N_("it stands beside another name"),
    N_("it does what only people do"),
    N_("it is a party to a case"),
    N_("it names a family"),
    N_("a role or function stands before it"),
    N_("it stands in a list of people"),
    N_("the heading of its column announces it"),
    N_("our own name tagger believes it"),
    N_("this name was found elsewhere in the text"),
    N_("this value was found elsewhere in the text"),
    N_("it is said to be a date of birth"),
    N_("it is said to be a year of birth"),
    N_("it follows a date of birth"),
    N_("somebody is said to live or be born there"),
    N_("a postcode and town on a line of their own"),
    N_("it looks like one of our placeholders"),
    N_("a word before it announces a secret"),
    N_("its form and check digits are right"),
    N_("its form and check fit"),
    N_("the name model believes it"),
    N_("it is written like an address that is no office's"),
    N_("a word before it announces it"),
    N_("its form gives it away"),
)
