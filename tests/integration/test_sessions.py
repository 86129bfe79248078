"""The table of sessions by itself, without a server: what it claims of the library, and comparisons that can fail."""

from __future__ import annotations

import io
import socket
import threading

import pytest
from sessions import (
    COLUMNS,
    PAGE,
    SESSIONS,
    Client,
    Session,
    _rows,
    accepted,
    agree,
    cell,
    check_session,
    expected,
    judge,
    play,
    stuffed,
)

from sendertrust import EPOST, Stage, TrustLevel

BY_ID = {session.id: session for session in SESSIONS}


def test_each_session_has_a_name_of_its_own() -> None:
    assert len(BY_ID) == len(SESSIONS)


@pytest.mark.parametrize("session", SESSIONS, ids=lambda session: session.id)
def test_the_library_decides_as_the_table_says(session: Session) -> None:
    for message in session.messages:
        verdict = judge(session.logged_in, message)
        stage = Stage.MAIL if message.reset_after else message.stage
        assert (verdict.stage, verdict.reason) == (stage, message.reason), verdict


def test_the_source_session_has_the_replies_of_the_source() -> None:
    assert expected(BY_ID["e-post"], EPOST, TrustLevel.HEADER) == [
        "MAIL 550 Please mail to a valid e-mail address.",
        "DATA 552 Requested mail action aborted: caught by the filter setting.",
        "DATA 250",
    ]


def test_the_library_column_of_the_page_is_what_the_library_says() -> None:
    rows = _rows(PAGE.read_text(encoding="utf-8"))
    assert {session_id: row["library"] for session_id, row in rows.items()} == {
        session.id: cell(expected(session)) for session in SESSIONS
    }
    assert all(row.keys() == COLUMNS.keys() for row in rows.values())


def test_a_message_is_stuffed() -> None:
    """RFC 5321 4.5.2: "If the first character is a period, one additional period is inserted"."""
    assert stuffed(b".a\r\n\r\nb.\r\n..c\r\n") == b"..a\r\n\r\nb.\r\n...c\r\n.\r\n"


@pytest.mark.parametrize(
    ("seen", "wanted", "same"),
    [
        (["DATA 250 2.0.0 Ok: queued"], ["DATA 250"], True),
        (["AUTH 535 5.7.8 no", "MAIL 530 5.7.0 x"], ["AUTH 535", "MAIL 530 5.7.0 x"], True),
        (["MAIL 550 5.7.1 a"], ["MAIL 550 5.7.1 b"], False),
        (["MAIL 550 5.7.1 a"], ["DATA 550 5.7.1 a"], False),
        (["DATA 250", "DATA 250"], ["DATA 250"], False),
        (["DATA 451 x"], ["DATA 250"], False),
        ([], ["DATA 250"], False),
    ],
)
def test_outcomes_agree_or_not(seen: list[str], wanted: list[str], same: bool) -> None:  # noqa: FBT001 - a column
    assert agree(seen, wanted) is same


def test_a_difference_must_be_the_one_that_is_known() -> None:
    session = BY_ID["from-foreign"]
    known = {"from-foreign": (["MAIL 503 .*"], "an example")}
    check_session(session, ["MAIL 503 5.5.1 x"], known)
    for seen in ([], ["MAIL 501 x"], expected(session)):
        with pytest.raises(AssertionError):
            check_session(session, seen, known)
    with pytest.raises(AssertionError, match="no difference any more"):
        check_session(session, expected(session), {"from-foreign": (["DATA .*"], "out of date")})


def test_accepted_messages_are_counted_past_auth() -> None:
    session = BY_ID["reset"]
    found = accepted(session, ["RSET 250", "MAIL 550 x", "RSET 250", "DATA 550 x", "DATA 250 Ok"])
    assert found == [("reset-4@inbox.example", session.messages[4])]


@pytest.mark.parametrize(
    ("octets", "reply"),
    [
        (b"550 5.7.1 no\r\n", "550 5.7.1 no"),
        (b"550-5.7.1 one\r\n550-5.7.1 two\r\n550 5.7.1 three\r\n", "550 5.7.1 one two three"),
        (b"550-5.7.1 one\r\n550 5.6.0 two\r\n", "550 5.7.1 one 5.6.0 two"),
        (b"550-one\r\n550 5.7.1 two\r\n", "550 one 5.7.1 two"),
        (b"354\r\n", "354"),
    ],
)
def test_the_lines_of_a_reply_are_joined(octets: bytes, reply: str) -> None:
    """RFC 2034 4: "the same status code must appear at the beginning of the text in each line": it is shown once."""
    client = object.__new__(Client)
    client._replies = io.BytesIO(octets)
    assert client.read() == reply


def test_a_server_that_hangs_up_is_seen() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with server.accept()[0] as connection:
                connection.sendall(b"220 x\r\n")
                connection.recv(1000)
                connection.sendall(b"250-x\r\n250 AUTH PLAIN\r\n")
                connection.recv(1000)

        thread = threading.Thread(target=serve)
        thread.start()
        assert play(server.getsockname()[1], BY_ID["from-foreign"]) == ["CLOSED"]
        thread.join()
