"""The closed words that a policy rule may compare with; `envelope.py` says where each is used.

"none" is a word where there is knowingly nothing; null is kept for what is not known. An agency's
file uses the same words for its assistants, so that a file which loads can be decided on.
"""

from typing import Literal

# who asks
RoleWord = Literal[
    "chatbot",
    "civil-servant",
    "overseer",
    "auditor",
    "agency-admin",
    "platform-admin",
    "platform-auditor",
]
PrincipalKind = Literal["person", "service"]
# the model: was the digest in the catalogue compared with what is served?
# "match": hashed by this installation; "declared": the operator vouches; "differs"; "unknown"
DigestCheck = Literal["match", "declared", "differs", "unknown"]
Modality = Literal["text", "image", "audio", "video", "file"]
# data that the law treats apart: GDPR Art. 9 and 10, and secrets named by statute
DataCategory = Literal[
    "health",
    "genetic",
    "biometric",
    "ethnic-origin",
    "political-opinion",
    "religion",
    "trade-union",
    "sex-life",
    "criminal",
    "tax-secret",
    "social-secret",
    "statistical-secret",
]
# the request; "embed" and "rank" turn texts into numbers (`output.kind` is then "label")
ChannelWord = Literal["api", "portal", "public"]
Action = Literal["answer", "embed", "rank", "store", "export", "publish", "send", "report"]
ToolOrigin = Literal["none", "user", "assistant", "document", "tool"]
GroupBy = Literal["none", "agency", "team", "person"]
RequestIntent = Literal[
    "score-people",
    "infer-emotion",
    "infer-sensitive-trait",
    "predict-offence",
    "decide-case",
    "ask-human",
    "ask-explanation",
]
# the answer
OutputKind = Literal["text", "code", "label", "edit", "image", "audio", "video", "file"]
OutputIntent = Literal["decisive-wording", "names-person", "leaks-instructions"]
# the way to the model: inside this process, to a server on the site, anywhere else
Egress = Literal["none", "on-site", "off-site"]
