"""aiosmtpd: decide the envelope at MAIL and the raw header block at DATA.

Mix `SenderTrust` into a handler, before the class that takes the message::

    class Submission(SenderTrust, Queue):
        async def aliases_of(self, login):
            return await directory.aliases(login)

What aiosmtpd hides: it parses ``MAIL FROM`` itself (a source route or a
comment is gone, and some syntax errors are answered with its own 501 or 553)
before a handler sees the address. What is judged is what it hands on, so
what was judged is what is delivered. The header is judged on
``envelope.original_content``, octet for octet.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from typing import TYPE_CHECKING, Any, Final

from aiosmtpd.smtp import LoginPassword

from sendertrust import (
    LOOKUP_FAILED,
    SUBMISSION,
    UNSEEN,
    Aliases,
    Policy,
    TrustLevel,
    Verdict,
    check,
    check_message,
    reply_for,
)
from sendertrust.integrations.service import MISCONFIGURED

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet
    from enum import Enum
    from typing import TypeAlias

    from aiosmtpd.smtp import SMTP, Envelope, Session

    from sendertrust import Grant

    #: What `check` takes as aliases; the `Enum` is `LOOKUP_FAILED`, whose type has no public name.
    Found: TypeAlias = (
        Aliases
        | Enum
        | list[str]
        | list[Grant]
        | list[str | Grant]
        | tuple[str | Grant, ...]
        | AbstractSet[str | Grant]
    )

__all__ = ["SenderTrust"]

_log: Final = logging.getLogger(__name__)


class SenderTrust:
    """A mix-in for aiosmtpd handlers; the handler class that delivers follows it in the bases.

    Its ``handle_MAIL`` and ``handle_DATA`` answer a refusal with the exact
    reply of `reply_for`, and pass what is allowed on to the next class.

    A subclass is checked when it is defined. It is a `TypeError` if it puts a
    ``handle_MAIL`` or ``handle_DATA`` before these, or has no class after
    them to take the message (either would lose the decision, or mail), or
    sets an attribute that cannot be meant. A common base class of several
    handlers is defined with ``abstract=True``, which puts this off.
    """

    #: What is asked of a submission.
    policy: Policy = SUBMISSION
    #: The level, if not the policy's.
    level: TrustLevel | None = None
    #: How long `aliases_of` may take, in seconds; after that the client is told to try again.
    lookup_timeout: float = 10.0

    def __init_subclass__(cls, *, abstract: bool = False, **kwargs: Any) -> None:  # noqa: ANN401 - other bases' own
        """Refuse a class whose decisions would never be asked for, or could not be made."""
        super().__init_subclass__(**kwargs)
        for hook in ("handle_MAIL", "handle_DATA"):
            if getattr(cls, hook) is not getattr(SenderTrust, hook):
                msg = f"{cls.__name__}.{hook} hides SenderTrust.{hook}: move it to a base that follows SenderTrust"
                raise TypeError(msg)
        if not abstract and not hasattr(super(), "handle_DATA"):
            msg = f"{cls.__name__} has nothing to deliver with: add a handler class with handle_DATA after SenderTrust"
            raise TypeError(msg)
        if not inspect.iscoroutinefunction(cls.aliases_of):
            msg = f"{cls.__name__}.aliases_of must be async: run a look-up that blocks in asyncio.to_thread"
            raise TypeError(msg)
        check(None, "", UNSEEN, policy=cls.policy, level=cls.level)  # says what is wrong with them

    async def aliases_of(
        self,
        login: str,  # noqa: ARG002 - likewise
    ) -> Found:
        """Give what an account may send as beside its own address. Asked at each MAIL; DATA uses that answer.

        Override it with the site's own look-up; run one that blocks in
        ``asyncio.to_thread``. Whatever it raises counts as `LOOKUP_FAILED`:
        it is logged, and what the own address does not decide is answered
        with 451. A result of another type is a mistake and answered likewise.
        """
        return ()

    def login_of(self, session: Session) -> str | None:
        """Give the login of a session, None without one.

        It is read from ``session.auth_data``, which the authenticator sets:
        `str`, `bytes`, or aiosmtpd's ``LoginPassword``. The last is what the
        client typed; an authenticator that accepts several spellings of one
        account should give the account's own instead. Override this where
        the login is somewhere else.
        """
        if not session.authenticated:
            return None
        login: object = session.auth_data
        if isinstance(login, LoginPassword):
            login = login.login
        if isinstance(login, bytes):
            return login.decode("utf-8", "surrogateescape")
        if isinstance(login, str):
            return login
        msg = f"session.auth_data is {type(login).__name__}: override login_of to say where the login is"
        raise TypeError(msg)

    def judged(self, verdict: Verdict, session: Session) -> None:  # noqa: ARG002 - for those who override it
        """Take note of every verdict; by default one line in the log, without message content."""
        _log.info("%s", verdict)

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, mail_options: list[str]
    ) -> str:
        """Judge the envelope sender."""
        try:
            login = self.login_of(session)
            aliases = vars(envelope)["sendertrust_aliases"] = await self._look_up(login)
            verdict = check(login, address, UNSEEN, aliases, level=self.level, policy=self.policy)
            self.judged(verdict, session)
        except Exception:  # noqa: BLE001 - a mistake in the site's code: nothing unjudged is accepted, nothing lost
            _log.exception("judging the envelope failed")
            return str(MISCONFIGURED)
        following = getattr(super(), "handle_MAIL", None)
        if verdict.allowed and following is not None:
            answer: str = await following(server, session, envelope, address, mail_options)
            return answer
        if verdict.allowed:
            envelope.mail_from = address
            envelope.mail_options.extend(mail_options)
        return str(reply_for(verdict))

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - likewise
        """Judge the envelope sender together with the raw header block, with the aliases that MAIL looked up."""
        sender, content = envelope.mail_from or "", envelope.original_content or b""
        try:
            login = self.login_of(session)
            aliases = vars(envelope)["sendertrust_aliases"]
            verdict = check_message(login, sender, content, aliases, level=self.level, policy=self.policy)
            self.judged(verdict, session)
        except Exception:  # noqa: BLE001 - likewise
            _log.exception("judging the message failed")
            return str(MISCONFIGURED)
        if not verdict.allowed:
            return str(reply_for(verdict))
        answer: str = await super().handle_DATA(server, session, envelope)  # type: ignore[misc]  # __init_subclass__
        return answer

    async def _look_up(self, login: str | None) -> Aliases:
        if not login:
            return Aliases()
        try:
            found = await asyncio.wait_for(self.aliases_of(login), self.lookup_timeout)
        except Exception:  # noqa: BLE001 - an outage of any kind is "try again", and never an acceptance
            _log.exception("looking up the aliases of %r failed", login)
            return Aliases.union(LOOKUP_FAILED)
        return Aliases.union(found)  # type: ignore[arg-type]  # of the members of all enums it takes that one
