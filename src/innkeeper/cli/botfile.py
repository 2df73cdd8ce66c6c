"""What is in a bot's file? Its `app`, or one line that says where it is wrong."""

import importlib.util
import sys
import traceback
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

from innkeeper.app import App
from innkeeper.errors import BotRefused, InnkeeperError, SettingsRefused


def load_bot(path: Path) -> App:
    """Load the `app` of a bot's file.

    Raises:
        BotRefused: In one line, with file and line, whatever is wrong with it.
    """
    if not path.is_file():
        raise BotRefused(f"{path} is not there", "give the file that holds your app")
    name = path.stem if path.stem not in sys.modules else f"bot_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None:
        raise BotRefused(f"{path} cannot be loaded", "it is no Python file")
    folder = str(path.resolve().parent)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    app = _app_of(_executed(spec, path), path)
    app.routes()  # says what is wrong with its handlers
    return app


def _executed(spec: ModuleSpec, path: Path) -> ModuleType:
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        if spec.loader is not None:
            spec.loader.exec_module(module)
    except SyntaxError as error:
        where = f"{error.filename or path}:{error.lineno}" if error.lineno else str(path)
        raise BotRefused(where, error.msg) from None
    except (BotRefused, SettingsRefused):
        raise
    except InnkeeperError as error:
        raise BotRefused(_place(error, path), f"{error.what}: {error.why}") from error
    except SystemExit as error:
        raise BotRefused(_place(error, path), "it ends the process here") from None
    except Exception as error:
        why = " ".join(f"{type(error).__name__}: {error}".split())
        raise BotRefused(_place(error, path), why) from None
    return module


def _app_of(module: ModuleType, path: Path) -> App:
    named = vars(module).get("app")
    if isinstance(named, App):
        return named
    apps = [value for value in vars(module).values() if isinstance(value, App)]
    if len(apps) == 1:
        return apps[0]
    if apps:
        raise BotRefused(f"{path} has {len(apps)} apps", "call the one that is meant `app`")
    raise BotRefused(f"{path} has no app", "write: app = App()")


def _place(error: BaseException, path: Path) -> str:
    """Name the last line of the bot's own code that an error came through."""
    own = [
        f"{frame.filename}:{frame.lineno}"
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename.startswith(str(path.absolute().parent))
        and "site-packages" not in frame.filename
    ]
    return own[-1] if own else str(path)
