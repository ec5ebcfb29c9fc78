"""How an environment is watched: what is kept, who is told, and the pages that show it."""

from typing import Literal

from pydantic import Field, model_validator

from horcrux.settings.fields import MailAddress, MailServer, Model, Name, Seconds, Size

Severity = Literal["critical", "warning", "info", "heartbeat"]
SIGNING = ("dingtalk", "feishu")
MAIL_ONLY = {"server", "security", "sender", "to", "username", "password"}
BOTS_ONLY = {"url", "sign"}


class Receiver(Model):
    """Somebody who is told of alerts. What is secret is named here and set with `horcrux secrets set`."""

    kind: Literal["webhook", "email", "dingtalk", "wecom", "feishu"] = Field(
        description="How alerts are sent: `webhook` gets Alertmanager's JSON, the bots a message."
    )
    url: Name | None = Field(
        default=None,
        description="Secret with the address: `horcrux secrets set monitoring NAME`. For all kinds "
        "but `email`.",
    )
    sign: Name | None = Field(
        default=None,
        description="Secret with the bot's signing key, where signing is switched on (`dingtalk`, "
        "`feishu`).",
    )
    server: MailServer | None = Field(
        default=None, description="The mail server, as smtp.example.org:587."
    )
    security: Literal["starttls", "tls", "none"] = Field(
        default="starttls", description="How the connection to the mail server is protected."
    )
    username: str | None = Field(
        default=None, description="The account at the mail server, if it wants one."
    )
    password: Name | None = Field(default=None, description="Secret with that account's password.")
    sender: MailAddress | None = Field(default=None, description="The mail's sender.")
    to: tuple[MailAddress, ...] = Field(default=(), description="The mail's recipients.")
    severities: tuple[Severity, ...] = Field(
        default=("critical", "warning"),
        json_schema_extra={"minItems": 1},
        description="Alerts that it is told of. `heartbeat` is one that always fires: a service outside that "
        "misses it knows that alerting itself is down.",
    )

    @model_validator(mode="after")
    def _complete(self) -> "Receiver":
        if not self.severities:
            raise ValueError("`severities` names none: take the receiver out, or name some")
        email = self.kind == "email"
        others = BOTS_ONLY if email else MAIL_ONLY
        if self.kind not in SIGNING:
            others = {*others, "sign"}
        given = self.model_dump(exclude_defaults=True).keys()
        if foreign := given & others:
            raise ValueError(f"{', '.join(sorted(foreign))}: not for the kind {self.kind}")
        if email:
            missing = [key for key in ("server", "sender", "to") if not getattr(self, key)]
            if missing:
                raise ValueError(f"an email receiver needs {', '.join(missing)}")
            if bool(self.username) != bool(self.password):
                raise ValueError("needs both of `username` and `password`, or neither")
            if self.password and self.security == "none":
                raise ValueError("a password is never sent in the clear: take starttls or tls")
        elif not self.url:
            raise ValueError(f"a {self.kind} receiver needs `url`, the name of a secret")
        return self

    @property
    def secrets(self) -> dict[str, Name]:
        """The settings that name a secret, each with that name."""
        own = "password" if self.kind == "email" else "url"
        named = {own: getattr(self, own), "sign": self.sign}
        return {key: name for key, name in named.items() if name}


class Grafana(Model):
    """A Grafana that shows the platform's dashboards; without it the portal has the main charts."""

    image: str = Field(
        min_length=1,
        description="Its image, by digest or tag, like an app's: grafana/grafana@sha256:…",
    )


class Portal(Model):
    """The web page that shows hosts, apps, alerts and events, at portal.ENVIRONMENT.DOMAIN."""

    session: Seconds = Field(
        default=43200, description="Seconds after which one has to log in again."
    )


class Monitoring(Model):
    """Measurements, alerts and the pages that show them."""

    enabled: bool = Field(
        default=True,
        description="Whether anything is measured. Without it the portal has no numbers, and "
        "nobody is told of anything.",
    )
    retention: int = Field(
        default=15, ge=1, le=3650, description="Days that measurements are kept, on every manager."
    )
    storage: Size = Field(
        default=4 << 30,
        ge=256 << 20,
        description="Disk that they may take on each manager; beyond it the oldest go first.",
    )
    memory: Size = Field(
        default=512 << 20,
        ge=128 << 20,
        description="Memory that Prometheus may take on each manager.",
    )
    receivers: dict[Name, Receiver] = Field(default={}, description="Who is told of alerts.")
    grafana: Grafana | None = Field(default=None, description="A Grafana, where you want one.")
    portal: Portal = Field(default=Portal(), description="The portal.")
