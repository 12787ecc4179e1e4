"""What a kubeconfig says: which server, whom to believe, and who one is there.

Pure: text to values. The rules are client-go's (`tools/clientcmd`): data counts over nothing but
itself, relative paths begin at the file's directory, two ways to say the same thing are an error.
What it knows and this client has not (proxies, impersonation, auth-provider) is refused in words,
never passed over: a request must not go out as somebody else, or another way, than was meant.
"""

from __future__ import annotations

import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from staticlet.client import kubeconfigfields
from staticlet.client.kubeconfigfields import Part
from staticlet.kube import manifest

EXEC_VERSIONS = ("client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1")
EXEC_EXTENSION = "client.authentication.k8s.io/exec"
_MODES = ("Never", "IfAvailable", "Always")


BadKubeconfig = kubeconfigfields.BadKubeconfig
Pem = kubeconfigfields.Pem


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """A server and whom to believe that it is it.

    Attributes:
        server: Its URL, without a slash at the end.
        authority: The CA; None for those of the machine.
        insecure: Whatever certificate it shows is believed.
        server_name: The name that its certificate must have; empty for that of the URL.
        exec_config: What an exec plugin is told of this cluster beside it.
    """

    server: str
    authority: Pem | None = None
    insecure: bool = False
    server_name: str = ""
    exec_config: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Exec:
    """A program that tells credentials.

    Attributes:
        api_version: The version of ExecCredential that it speaks.
        command: The program: a path, or a name to look for in PATH.
        args: Its arguments.
        env: Added to the environment.
        install_hint: What to tell people when there is no such program.
        provide_cluster: Whether it is told of the cluster.
    """

    api_version: str
    command: str
    args: tuple[str, ...] = ()
    env: tuple[tuple[str, str], ...] = ()
    install_hint: str = ""
    provide_cluster: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """Who one is; empty for nobody in particular.

    Attributes:
        certificate: The client's certificate.
        key: Its private key; there is one exactly if there is a certificate.
        token: A bearer token.
        token_file: A file with one, which counts more.
        basic: A name and a password.
        exec: A program that tells a token or a certificate.
    """

    certificate: Pem | None = None
    key: Pem | None = None
    token: str = ""
    token_file: Path | None = None
    basic: tuple[str, str] | None = None
    exec: Exec | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Kubeconfig:
    """What the current context of a kubeconfig says."""

    path: Path
    cluster: Cluster
    user: User

    @property
    def files(self) -> tuple[Path, ...]:
        """The files that it names."""
        pems = (self.cluster.authority, self.user.certificate, self.user.key)
        named = [pem.path for pem in pems if pem is not None and pem.path is not None]
        if self.user.token_file is not None:
            named.append(self.user.token_file)
        return tuple(named)


def parse(data: bytes, path: Path) -> Kubeconfig:
    """What a kubeconfig says.

    Args:
        data: Its text.
        path: Where it is: its directory is where relative paths begin.

    Raises:
        BadKubeconfig: It is none, or says nothing that can be used.
    """
    whole = Part(_document(data, path), "", path)
    if whole.text("kind") not in ("", "Config"):
        raise whole.bad("kind", "is not Config: this is no kubeconfig")
    chosen = whole.text("current-context")
    if not chosen:
        raise whole.bad("current-context", "is missing: name one of the contexts")
    context = whole.named("contexts", "context", chosen, "current-context")
    cluster = whole.named(
        "clusters", "cluster", context.required("cluster"), context.where("cluster")
    )
    user = context.text("user")
    return Kubeconfig(
        path=path,
        cluster=_cluster(cluster),
        user=_user(whole.named("users", "user", user, context.where("user"))) if user else User(),
    )


def _document(data: bytes, path: Path) -> Mapping[str, Any]:
    decoded = manifest.decode(data)
    if decoded.problems:
        problem = decoded.problems[0]
        place = f":{problem.position.line}" if problem.position else ""
        raise BadKubeconfig(f"{path}{place}: {problem.message}")
    if len(decoded.documents) != 1 or not isinstance(decoded.documents[0].data, Mapping):
        raise BadKubeconfig(f"{path}: holds no kubeconfig: write one with kubectl config")
    return decoded.documents[0].data


def _cluster(part: Part) -> Cluster:
    insecure = part.flag("insecure-skip-tls-verify")
    authority = part.pem("certificate-authority")
    if insecure and authority is not None:
        raise part.bad(
            "insecure-skip-tls-verify", "may not stand beside a certificate-authority: drop one"
        )
    if part.text("proxy-url"):
        raise part.bad("proxy-url", "is not supported: the server must be reached directly")
    return Cluster(
        server=_server(part),
        authority=authority,
        insecure=insecure,
        server_name=part.text("tls-server-name"),
        exec_config=_exec_config(part),
    )


def _server(part: Part) -> str:
    server = part.required("server").rstrip("/")
    try:
        url = urllib.parse.urlsplit(server)
        port = url.port
    except ValueError as fault:
        raise part.bad("server", f"is not a URL: {fault}") from fault
    if url.scheme not in ("http", "https") or not url.hostname or port == 0:
        raise part.bad("server", "is not the URL of a server: it must be https://HOST:PORT")
    if url.username is not None or url.query or url.fragment:
        raise part.bad("server", "may hold a host, a port and a path, nothing else")
    if not server.isascii() or not server.isprintable() or " " in server:
        raise part.bad("server", "holds characters that a URL may not have")
    return server


def _exec_config(part: Part) -> Any:
    for extension in part.parts("extensions"):
        if extension.text("name") == EXEC_EXTENSION:
            return extension.value("extension")
    return None


def _user(part: Part) -> User:
    for field in ("as", "as-uid", "as-groups", "as-user-extra"):
        if part.value(field):
            raise part.bad(field, "is not supported: give the credentials of the user itself")
    if part.value("auth-provider"):
        raise part.bad("auth-provider", "is not supported: use exec, as Kubernetes 1.26 and later")
    certificate, key = part.pem("client-certificate"), part.pem("client-key")
    if (certificate is None) != (key is None):
        missing = "client-certificate" if certificate is None else "client-key"
        raise part.bad(missing, "is missing: a certificate and its key go together")
    token, name, password = part.text("token"), part.text("username"), part.text("password")
    if token and (name or password):
        raise part.bad("token", "may not stand beside username and password: drop one")
    token_file = part.text("tokenFile")
    return User(
        certificate=certificate,
        key=key,
        token=token,
        token_file=part.beside(token_file) if token_file else None,
        basic=(name, password) if name or password else None,
        exec=_exec(part.part("exec")) if part.value("exec") else None,
    )


def _exec(part: Part) -> Exec:
    version = part.required("apiVersion")
    if version not in EXEC_VERSIONS:
        raise part.bad("apiVersion", f"is not one of {', '.join(EXEC_VERSIONS)}")
    mode = part.text("interactiveMode")
    if not mode and version == EXEC_VERSIONS[0]:
        raise part.bad("interactiveMode", f"is missing: it must be one of {', '.join(_MODES)}")
    if mode and mode not in _MODES:
        raise part.bad("interactiveMode", f"is not one of {', '.join(_MODES)}")
    if mode == "Always":
        raise part.bad("interactiveMode", "is Always, but nobody is there to be asked")
    command = part.required("command")
    return Exec(
        api_version=version,
        command=str(part.beside(command)) if "/" in command else command,
        args=part.texts("args"),
        env=tuple((one.required("name"), one.text("value")) for one in part.parts("env")),
        install_hint=part.text("installHint"),
        provide_cluster=part.flag("provideClusterInfo"),
    )
