"""Why a plate is not printed."""

from portal.values.errors import DomainError


class PlateUnfit(DomainError):
    """This face may not be printed. Reasons, with their facts:

    `name_missing`; `too_long` (field, most); `glyphs` (field, signs: list of str); `code`; `url`; `theme`; `locale`;
    `format`; `crowded` (module and floor in mm): the code would get too small; `proof` (finding): the finished plate
    did not read back.
    """
