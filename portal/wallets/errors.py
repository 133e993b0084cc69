"""How a wallet fails, in three ways that never mean the same, and how a notice proves nothing."""


class WalletError(Exception):
    """A wallet did not do what was asked. `code` is the wallet's own, `request_id` its trace if it gave one."""

    def __init__(self, code: str, message: str = "", *, request_id: str | None = None) -> None:
        super().__init__(f"{code}: {message}" if message else code)
        self.code = code
        self.message = message
        self.request_id = request_id


class WalletRefused(WalletError):
    """Final: the wallet understood and said no. Nothing happened."""


class WalletUnavailable(WalletError):
    """Nothing was sent (no connection, or the wallet said it took nothing). Safe to try again."""


class WalletUnknown(WalletError):
    """Sent, but no trustworthy answer came back. Ask before doing anything else; keep amounts reserved."""


class WalletSettingsError(Exception):
    """The wallets' settings are incomplete or would make the provider the collector. Raised at start only."""


class NoticeRejected(Exception):
    """A notice that proves nothing. Store nothing; answer with `notice_reply(accepted=False, reason=error.reason)`.

    `reason` is one of `headers`, `probe`, `unknown_key`, `stale`, `signature` (answered 401) and `unreadable`,
    `foreign`, `unknown_kind` (answered 400). `probe` is true for a wallet's deliberate signature probe: count it,
    alert nobody.
    """

    def __init__(self, reason: str, *, probe: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.probe = probe
