"""Settings: one TOML file and DESKPULSE_* variables, checked once at start."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, Literal

import platformdirs
from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from metrics_core.policy import Policy, PolicyError
from metrics_core.policy.errors import choices, path_key
from metrics_core.times import parse_rfc3339
from streams.toml_lines import Keys, keys_of, line_of, value_at


class ConfigurationError(Exception):
    """A setting that cannot work; the message is one sentence saying what to change."""


class Settings(BaseSettings):
    """Every setting of deskpulse; docs/configuration.md explains each one."""

    model_config = SettingsConfigDict(
        env_prefix="DESKPULSE_", env_nested_delimiter="__", extra="forbid", frozen=True
    )

    brokers: str | None = Field(None, description="Kafka bootstrap servers, host:port,host:port")
    app_id: str = Field("deskpulse", description="consumer group and prefix of changelogs", min_length=1)
    helpdesk_topic: str = Field("helpdesk.events", description="topic of helpdesk events")
    crm_topic: str = Field("crm.events", description="topic of crm and finance events")
    rejected_topic: str = Field("events.rejected", description="topic that receives events that cannot be used")
    partitions: int = Field(8, ge=1, le=1024, description="partitions of a source topic that we create")
    replication: int = Field(1, ge=1, le=7, description="replication factor of topics that we create")
    origin: Literal["earliest", "latest"] | None = Field(
        None, description="where a new application starts to read; unset: refuse and say so"
    )
    clock: Literal["wall", "event", "fixed"] = Field("wall", description="what time it is for the numbers")
    clock_at: str | None = Field(None, description="the moment of a fixed clock, RFC 3339")
    http_host: str = Field("127.0.0.1", description="address that serves /metrics")
    http_port: int = Field(9464, ge=0, le=65535, description="port that serves /metrics; 0 picks a free one")
    checkpoint_interval_s: float = Field(1.0, gt=0, le=60, description="seconds between checkpoints")
    instance_id: str | None = Field(None, description="static membership; required with several workers")
    session_timeout_s: float = Field(30.0, ge=6, le=300, description="Kafka session timeout")
    tenant: str | None = Field(None, description="events of any other tenant are rejected")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="least level logged")
    log_format: Literal["console", "json"] = Field("console", description="how log lines look")
    cache_dir: Path = Field(
        Path(platformdirs.user_cache_dir("deskpulse")),
        description="where the embedded broker's jars are kept",
    )
    accept_loss: list[int] = Field(
        default_factory=list, description="partitions whose missing source records are accepted as lost"
    )
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] | None = Field(
        None, description="SASL mechanism towards the brokers"
    )
    sasl_username: str | None = Field(None, description="SASL user")
    sasl_password: str | None = Field(None, description="SASL password", repr=False)
    tls_ca: Path | None = Field(None, description="certificate authority of the brokers; set: use TLS")
    tls_cert: Path | None = Field(None, description="client certificate")
    tls_key: Path | None = Field(None, description="client key")
    series_budget: int = Field(50_000, ge=100, description="most series one worker exposes")
    native: bool = Field(
        True, description="count the common case in C, where that was built; the numbers are the same without"
    )
    policy: dict[str, Any] = Field(
        default_factory=dict, description="what is counted and what is shown: see Policy below"
    )

    @field_validator("clock_at")
    @classmethod
    def _moment(cls, text: str | None) -> str | None:
        if text is not None:
            parse_rfc3339(text)
        return text

    @model_validator(mode="after")
    def _agree(self) -> Settings:
        if (self.clock == "fixed") != (self.clock_at is not None):
            raise ValueError("clock_at goes with clock = fixed: set both or neither")
        if self.sasl_mechanism and not (self.sasl_username and self.sasl_password):
            raise ValueError("sasl_mechanism needs sasl_username and sasl_password")
        return self

    @property
    def core_policy(self) -> Policy:
        """The policy that metrics_core runs under, the tenant included. Raises PolicyError."""
        if "tenant" in self.policy:
            raise PolicyError("tenant is no part of the policy: write it above, with the other settings", "tenant")
        return Policy.parse({**self.policy, "tenant": self.tenant})

    @property
    def clock_at_us(self) -> int | None:
        """The moment of a fixed clock in microseconds since the epoch."""
        return None if self.clock_at is None else parse_rfc3339(self.clock_at)


def load_settings(config: Path | None = None, **overrides: Any) -> Settings:
    """Read the TOML file (``config``, else ./deskpulse.toml where it exists), then DESKPULSE_*, then overrides.

    Overrides that are None are ignored. Raises ConfigurationError with one sentence.
    """
    if config is not None and not config.is_file():
        raise ConfigurationError(f"{config} does not exist: name an existing TOML file with --config")
    file = config or Path("deskpulse.toml")

    class Loaded(Settings):
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, toml_file=file)

    settings = None
    try:
        settings = Loaded(**{name: value for name, value in overrides.items() if value is not None})
        _check_label_values(settings.core_policy)
        if settings.accept_loss and not overrides.get("accept_loss"):
            raise ValueError(
                "accept_loss is a decision of one start, else it would hide later losses: "
                "pass --accept-loss to the worker instead"
            )
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ConfigurationError(f"setting {where}: {first['msg']}" if where else first["msg"]) from error
    except PolicyError as error:
        assert settings is not None, "a policy is read out of settings"
        keys: Keys = ("policy", *keys_of(error.path))
        raise ConfigurationError(f"{_place(file, keys, settings.policy)}: {error}") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{file} cannot be read as TOML: {error}") from error
    except ValueError as error:
        raise ConfigurationError(f"{file}: {error}") from error
    return settings


def _check_label_values(policy: Policy) -> None:
    """Raise PolicyError where values are listed for a label that no series folds."""
    if policy.label_values:
        from streams.serving.exposition import bounded_labels

        known = sorted(bounded_labels(policy))
        for label in policy.label_values:
            if label not in known:
                raise PolicyError(
                    f"policy.label_values: {label!r} is no label whose values are bounded: {choices(label, known)}",
                    f"label_values.{path_key(label)}",
                )


def _place(file: Path, keys: Keys, policy: dict[str, Any]) -> str:
    """Where a value of the policy was given: the file and its line, or the variables that win over it."""
    text = file.read_text(encoding="utf-8") if file.is_file() else ""
    if value_at(tomllib.loads(text), keys) != value_at({"policy": policy}, keys):
        return "DESKPULSE_POLICY"
    line = line_of(text, keys)
    return str(file) if line is None else f"{file}, line {line}"
