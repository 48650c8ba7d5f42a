"""Slack's ingress, Socket Mode, and settings that are wrong."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from support.marks import on_sqlite
from support.office import Office
from support.servers import command

from bot.__main__ import main
from bot.slack.ingress import parsed


@on_sqlite
def test_what_slack_did_not_sign_stays_out(office: Office) -> None:
    """Unsigned, wrongly signed and old requests get 401, and decide nothing, whatever they hold."""
    refund = office.agent.refund()
    card = office.card(refund)
    office.person("U0ALICE").click(card, "reject")
    payload = dict(office.slack.deliveries[-1].sent.payload)
    press = {"type": "button", "action_id": "approve", "value": f"{refund['id']}|{refund['digest']}"}
    payload["actions"] = [{"block_id": payload["actions"][0]["block_id"], "action_ts": "1.0", **press}]
    send, now = office.slack.send_signed, int(time.time())
    tries = [
        send(payload, {"x-slack-signature": None}),
        send(payload, {"x-slack-request-timestamp": None}),
        send(payload, {"x-slack-signature": "v0="}),
        send(payload, {"x-slack-signature": "v0=" + "0" * 64}),
        send(payload, {"x-slack-signature": "v1=ünï"}),
        send(payload, secret="another secret"),
        send(payload, timestamp=now - 400),
        send(payload, timestamp=now + 400),
        send(payload, timestamp="x"),
        send(payload, timestamp=""),
        send(payload, timestamp="9" * 40),
        send(payload, timestamp=f"{now}.5"),
    ]
    assert [status for status, _ in tries] == [401] * len(tries)
    assert office.agent.see(refund)["version"] == 1
    assert send(payload)[0] == 200, "the same payload, signed, is heard"
    assert office.agent.see(refund)["state"] == "approved"


SUBMITTED = {
    "type": "modal",
    "callback_id": "reject_modal",
    "private_metadata": '{"approval_id": "x", "digest": "y"}',
    "state": {"values": {"reason": {"reason": {"type": "plain_text_input", "value": "No"}}}},
}
JUNK: list[Any] = [
    b"",
    b"\xff\xfe",
    b"payload=",
    b"payload=%7B",
    b"payload=[]",
    b"payload=null",
    b"payload={}&payload={}",
    b"payload=" + b"[" * 100_000,
    b"a=" * 5000,
    {},
    {"type": "block_actions"},
    {"type": "block_actions", "actions": []},
    {"type": "block_actions", "actions": [{"action_id": "approve"}]},
    {"type": "block_actions", "actions": [{"action_id": "approve", "value": "x|y"}], "user": {"id": "U0ALICE"}},
    {"type": "block_actions", "actions": [{"action_id": "approve", "value": 7}], "user": {"id": "U0ALICE"}},
    {"type": "block_actions", "actions": [{"action_id": "choose", "selected_option": {}}], "user": {"id": "U0ALICE"}},
    {"type": "block_actions", "actions": [{"action_id": "details_page", "value": "9"}], "user": {"id": "U0ALICE"}},
    {"type": "block_actions", "actions": [{"action_id": "approve", "value": "a\u0000|b"}], "user": {"id": "U0ALICE"}},
    {"type": "block_actions", "actions": "approve", "user": "U0ALICE"},
    {"type": "view_submission"},
    {"type": "view_submission", "view": {"callback_id": "reject_modal"}},
    {"type": "view_submission", "view": {"callback_id": "reject_modal", "private_metadata": "{", "state": {}}},
    {
        "type": "view_submission",
        "view": {"callback_id": "edit_modal", "private_metadata": "{}", "state": {"values": {}}},
    },
    {"type": "view_submission", "user": {"id": "U0ALICE"}, "view": SUBMITTED | {"state": {"values": []}}},
    {"type": "view_submission", "user": {"id": "U0ALICE"}, "view": SUBMITTED | {"private_metadata": "{"}},
    {"type": "view_submission", "user": {"id": "U0ALICE"}, "view": SUBMITTED | {"private_metadata": "[]"}},
    {"type": "view_submission", "user": {"id": "U0ALICE"}, "view": SUBMITTED},
    {"type": "view_closed"},
    {"type": "shortcut", "callback_id": "x"},
    {"type": "shortcut", "callback_id": "x", "view": None},
    {"type": "block_actions", "actions": [{"action_id": "approve", "value": "x|y"}], "user": {"id": "\ud800"}},
    {"type": "block_actions", "actions": [{"action_id": "x"}], "user": {"id": "U0ALICE"}, "view": None},
    {"type": "message_action"},
    {"type": "event_callback", "event": {}},
    {"type": "event_callback", "event": {"type": "app_home_opened"}},
    {"type": "event_callback", "event": None},
    {"type": "url_verification"},
    {"type": 7},
    b"command=%2Fsayso",
    b"command=%2Fsayso&text=queue",
    b"command=%2Fsayso&text=away+99999d&user_id=U0ALICE",
    b"command=%2Fsayso&text=away+9999-12-31T23:59:59-14:00&user_id=U0ALICE",
    b"command=%2Fsayso&text=show+%00&user_id=U0ALICE",
    b"command=%2Fsayso&text=pause+%00&user_id=U0ADMIN",
    b"command=%2Fother&text=x&user_id=U0ALICE",
]


def test_junk_that_is_signed_is_no_accident(office: Office) -> None:
    """Whatever is signed, the answer is never a 5xx, and nothing is decided."""
    refund = office.agent.refund()
    answers = {repr(junk)[:120]: office.slack.send_signed(junk)[0] for junk in JUNK}
    answers |= {
        f"json {junk!r:.60}": office.slack.send_signed(json.dumps(junk), {"content-type": "application/json"})[0]
        for junk in JUNK
        if not isinstance(junk, bytes)
    }
    assert {name: status for name, status in answers.items() if status >= 500} == {}
    assert office.agent.see(refund)["version"] == 1


@given(st.text(alphabet=st.sampled_from("ab=&%+;41 C3äfF#?/\n\0"), max_size=60))
def test_a_form_is_read_as_urllib_reads_it(text: str) -> None:
    """Whatever stands in a body, its fields are those that Python's own parser finds; a NUL in one refuses it."""
    fields = {name: values[0] for name, values in parse_qs(text, keep_blank_values=True).items()}
    nul = any("\0" in value for value in fields.values())
    assert parsed(text.encode(), "application/x-www-form-urlencoded") == (None if nul else fields)


PIECES = ["\\ud83d", "\\uDE00", "\\ude00", "\\\\", "\\n", "\\u0041", "u", "d83d", "ude00", "a"]


@given(st.lists(st.sampled_from(PIECES), max_size=8).map("".join))
@example("\\\\ud83d\\ude00")
@example("\\\\\\ud83d\\ude00")
def test_half_of_a_pair_is_refused_and_whole_pairs_are_not(text: str) -> None:
    """Whatever stands around an emoji's two halves, a text is refused where a half is alone, and only there."""
    body = f'{{"payload": "{text}"}}'
    try:
        json.loads(body)["payload"].encode()
        wanted = json.loads(body)
    except UnicodeEncodeError:
        wanted = None
    assert parsed(body.encode(), "application/json") == wanted


def test_a_form_of_too_many_fields_is_refused() -> None:
    """Slack sends a dozen; a body of thousands is not even read."""
    assert parsed(b"&".join([b"a=1"] * 100), "") == {"a": "1"}
    assert parsed(b"&".join([b"a=1"] * 101), "") is None


@on_sqlite
def test_the_ingress_is_only_so_wide(office: Office) -> None:
    """Bodies beyond what Slack sends are refused before they are read, and other methods too."""
    assert office.slack.send_signed(b"x" * 1_100_000)[0] == 413
    assert office.agent.http.get("/slack/events").status_code in (404, 405)


@on_sqlite
def test_slack_can_check_the_address(office: Office) -> None:
    """The address check that Slack makes is answered with its challenge, once signed."""
    body = json.dumps({"type": "url_verification", "challenge": "c-7"})
    assert office.slack.send_signed(body, {"content-type": "application/json"}) == (200, {"challenge": "c-7"})


@on_sqlite
def test_socket_mode(closed_office: Office) -> None:
    """With an app token the same story runs over a socket, and goes on after the socket was cut."""
    office = closed_office
    office.settings["SLACK_APP_TOKEN"] = office.slack.app_token
    office.slack.app.delivery.socket_mode = True
    office.open()
    office.slack.expect_sockets(1)
    refund = office.agent.refund()
    card = office.card(refund)
    form = office.form("U0ALICE", card, "edit").fill("param:amount_usd", "300")
    assert office.person("U0ALICE").submit(form).ok
    assert office.agent.see(refund)["state"] == "edited"
    reply = office.person("U0ALICE").command("/sayso", "help").reply
    assert reply is not None
    assert "queue" in reply.text()
    assert office.agent.http.post("/slack/events").status_code == 404, "no second way in"
    office.slack.disconnect("refresh")
    office.slack.expect_sockets(1)
    other = office.agent.refund(481)
    office.person("U0BOB").click(office.card(other), "approve")
    assert office.agent.see(other)["state"] == "approved"


GOOD = {
    "SLACK_BOT_TOKEN": "xoxb-x",
    "SLACK_SIGNING_SECRET": "secret",
    "SAYSO_SLACK_API_URL": "http://127.0.0.1:9/api/",
    "SAYSO_DATABASE_URL": "sqlite:///{tmp}/x.db",
}
BAD = {
    "SLACK_BOT_TOKEN": [
        "",
        None,
        "xapp-1-A",
        "xoxp-1",
        "xoxe.xoxb-1",
        '"xoxb-x"',
        "xoxb-x y",
        "xoxb-ü",
        "xoxb-\u200bx",
    ],
    "SLACK_SIGNING_SECRET": ["", None, "xoxb-x", "'secret'", "sec\nret"],
    "SLACK_APP_TOKEN": ["xoxb-x", "xoxp-x", "sayso_x"],
    "SAYSO_SLACK_API_URL": ["nonsense", "ftp://x/"],
    "SAYSO_DATABASE_URL": ["nonsense", "mysql://u@h/d", "sqlite://"],
    "SAYSO_MANIFEST": ["/none/actions.yml", "{tmp}", "{tmp}/bad.yml"],
    "SAYSO_ROSTER": ["/none/reviewers.yml", "{tmp}/bad.yml"],
    "SAYSO_PORT": ["x", "-1", "70000", '"8350"', "8350.5", "0x20"],
    "SAYSO_HOST": ["http://127.0.0.1", "127.0.0.1/24", "'127.0.0.1'"],
    "SAYSO_PUBLIC_URL": ["sayso.example.com", "ftp://x"],
    "SAYSO_SWEEP_SECONDS": ["0", "x", "1e9", "1.5"],
    "SAYSO_LOG_FORMAT": ["xml"],
    "SAYSO_SMTP_URL": ["mail.example.com", "http://mail.example.com", "smtp://", "smtp://mail.example.com:x"],
    "SAYSO_MAIL_FROM": ["Sayso", "sayso@example.com"],
    "SAYSO_MAIL_AFTER_SECONDS": ["0", "soon"],
    "OTEL_EXPORTER_OTLP_ENDPOINT": ["collector:4318", "grpc://collector:4317", "http://[x"],
    "SAYSO_ROOT_PATH": ["sayso", "/a//b", "/a/../b", "/a b", "https://x/sayso", "/a?b"],
    "SAYSO_TRUSTED_PROXIES": ["*", "0.0.0.0/0", "::/0", "proxy.example.com", "10.0.0.1/8"],
    "SAYSO_SHUTDOWN_SECONDS": ["0", "601", "x"],
    "SAYSO_SHUTDOWN_DELAY_SECONDS": ["-1", "301", "x"],
    "SAYSO_WORKERS": ["0", "65", "x"],
    "SAYSO_CALLBACK_HOSTS": ["https://hooks.example.com", "hooks.example.com:0", "*"],
    "SAYSO_CALLBACK_SECRET": ["secret", "whsec_", "whsec_c2hvcnQ="],
}


@pytest.mark.parametrize("name, value", [(name, value) for name, values in BAD.items() for value in values])
def test_a_wrong_setting_stops_the_start(
    name: str, value: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A missing or wrong setting stops the start with one line that names it, and a status that is not 0."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad.yml").write_text("version: 1\nactions: {x: {titel: y}}\n")
    for key in (*GOOD, *BAD, "SLACK_APP_TOKEN"):
        monkeypatch.delenv(key, raising=False)
    for key, good in GOOD.items():
        monkeypatch.setenv(key, good.format(tmp=tmp_path))
    if value is None:
        monkeypatch.delenv(name)
    else:
        monkeypatch.setenv(name, value.format(tmp=tmp_path))
    assert main(["serve"]) not in (0, None)
    said = capsys.readouterr().err.strip()
    assert len(said.splitlines()) == 1
    assert name in said or "bad.yml" in said


def test_callbacks_need_a_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Listed callback hosts without a secret to sign with stop the start."""
    monkeypatch.chdir(tmp_path)
    for key, good in GOOD.items():
        monkeypatch.setenv(key, good.format(tmp=tmp_path))
    monkeypatch.setenv("SAYSO_CALLBACK_HOSTS", "hooks.example.com")
    assert main(["serve"]) not in (0, None)
    assert capsys.readouterr().err.startswith("sayso: SAYSO_CALLBACK_SECRET: is not set")


def test_the_process_says_it_too(tmp_path: Path) -> None:
    """The real process does the same: one line, no traceback, not 0."""
    done = command({"SAYSO_DATABASE_URL": f"sqlite:///{tmp_path}/x.db"}, "serve", folder=tmp_path)
    assert done.returncode not in (0, None)
    assert done.stderr.strip().splitlines() == ["sayso: SLACK_BOT_TOKEN: is not set"]
