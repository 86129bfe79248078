"""May the account that logged in write under this envelope sender and this From header?"""

from sendertrust.attestation import authentication_results
from sendertrust.decision import check, check_message
from sendertrust.grant import Grant, Right
from sendertrust.policy import EPOST, STRICT, SUBMISSION, Policy, PolicyError
from sendertrust.reply import Reply, ReplyTable, reply_for
from sendertrust.rights import Aliases
from sendertrust.terms import LOOKUP_FAILED, UNSEEN, Action, Finding, Reason, ReplyStyle, Stage, TrustLevel
from sendertrust.verdict import Verdict

__all__ = [
    "EPOST",
    "LOOKUP_FAILED",
    "STRICT",
    "SUBMISSION",
    "UNSEEN",
    "Action",
    "Aliases",
    "Finding",
    "Grant",
    "Policy",
    "PolicyError",
    "Reason",
    "Reply",
    "ReplyStyle",
    "ReplyTable",
    "Right",
    "Stage",
    "TrustLevel",
    "Verdict",
    "authentication_results",
    "check",
    "check_message",
    "reply_for",
]

__version__ = "0.1.0"
