"""Which seed would grow into this world? Its accounts, people, apps and installations.

What came of them since (tokens, messages, deliveries) is a snapshot's business.
"""

from typing import Any

import msgspec

from innkeeper.emulator.marketplace.manifests import export
from innkeeper.emulator.rules import Rules
from innkeeper.emulator.world import Account, AppRecord, World


def harvest(world: World) -> dict[str, Any]:
    """Write a seed of what is here now, secrets included; ids stay what they are."""
    rules, usual = msgspec.to_builtins(world.rules), msgspec.to_builtins(Rules())
    installs = world.installations.values()
    return {
        "rules": {name: value for name, value in rules.items() if value != usual[name]},
        "accounts": [_account(each) for each in world.accounts],
        "apps": [_app(each) for each in world.apps.values()],
        "installs": [{"app": each.client_id, "user": each.user_id} for each in installs],
    }


def _account(account: Account) -> dict[str, Any]:
    return {
        "id": account.id,
        "name": account.name,
        "plan": account.plan,
        "approval_required": account.approval_required,
        "approved_apps": account.approved_apps,
        "users": [
            {"id": each.id, "name": each.name, "email": each.email, "role": each.role}
            for each in account.users
        ],
        "channels": [{"id": each.id, "name": each.name} for each in account.channels],
    }


def _app(app: AppRecord) -> dict[str, Any]:
    return {
        "manifest": export(app),
        "account": app.account_id,
        "client_id": app.client_id,
        "client_secret": app.client_secret,
        "secret_token": app.secret_token,
        "public_client_id": app.public_client_id or None,
        "verification_token": app.verification_token or None,
        "bot_jid": app.bot_jid,
        "environment": app.environment,
        "use_on_device": app.use_on_device,
        "disabled": app.disabled,
        "endpoints": {
            "bot": app.bot_endpoint,
            "deauthorization": app.deauthorization_endpoint,
        },
    }
