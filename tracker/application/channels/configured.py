"""The channels that tracker.toml names."""

from collections.abc import Callable

from tracker.application.channels.posting import Channel, address_of
from tracker.application.channels.slack import Slack
from tracker.application.channels.teams import Teams
from tracker.application.channels.webhook import Webhook
from tracker.errors import SettingsError
from tracker.settings.loading import secret
from tracker.settings.schema import Settings


def _slack(settings: Settings) -> Channel:
    return Slack(address_of(settings.file.slack.webhook_url_env, "[slack] webhook_url_env"))


def _teams(settings: Settings) -> Channel:
    return Teams(address_of(settings.file.teams.webhook_url_env, "[teams] webhook_url_env"))


def _webhook(settings: Settings) -> Channel:
    table = settings.file.webhook
    token = (secret(table.token_env) or "").strip() or None
    if token is not None and not (token.isascii() and token.isprintable() and " " not in token):
        raise SettingsError(
            f"{table.token_env}, which [webhook] token_env names, holds a character that no header can carry",
            hint=f"Export {table.token_env} again",
        )
    return Webhook(address_of(table.url_env, "[webhook] url_env"), token=token)


MAKERS: dict[str, Callable[[Settings], Channel]] = {
    "slack": _slack,
    "teams": _teams,
    "webhook": _webhook,
}
"""How each is made; SettingsError where the environment lacks its address, or has something that is not one."""


def names(settings: Settings) -> list[str]:
    """Return the names of the configured channels; no secret is read."""
    file = settings.file
    variables = {
        "slack": file.slack.webhook_url_env,
        "teams": file.teams.webhook_url_env,
        "webhook": file.webhook.url_env,
    }
    return [name for name, variable in variables.items() if variable]


def channels(settings: Settings) -> dict[str, Channel]:
    """Return every configured channel by its name.

    Raises:
        SettingsError: If the environment does not have an address, or has something that is not one.
    """
    return {name: MAKERS[name](settings) for name in names(settings)}


def announced(settings: Settings, name: str) -> tuple[str, ...]:
    """Return what serve announces on a channel."""
    announce: tuple[str, ...] = getattr(settings.file, name).announce
    return announce
