"""What does a test say that looked in vain? What it looked for, and all that was said and sent."""

from innkeeper.errors import InnkeeperError


class Unexpected(InnkeeperError, AssertionError):
    """Something did not stand where the test looked for it; the transcript is in the text."""

    code = "unexpected"
    fix = "Read the transcript from the top: the first surprise is the cause."
