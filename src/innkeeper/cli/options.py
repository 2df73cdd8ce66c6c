"""Which options do many commands have?"""

from typing import Annotated

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Yes = Annotated[bool, typer.Option("--yes", help="Delete; without it nothing is done.")]
InstallationId = Annotated[str, typer.Argument(help="Its id, as in the list and the log.")]
EventId = Annotated[str, typer.Argument(help="Its id, as in the list and the log.")]
CaseId = Annotated[str, typer.Argument(help="Its id, as in the list and the log.")]
