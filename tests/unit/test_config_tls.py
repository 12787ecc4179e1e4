"""What a configuration says of the kubelet's TLS: names, what they come to, what is warned of."""

from __future__ import annotations

import ssl

import pytest

from staticlet.config import load, tlsrules

HEAD = "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n"


def loaded(tmp_path, text="", **flags):
    """The configuration, which is taken."""
    path = tmp_path / "kubelet.yaml"
    path.write_text(HEAD + text)
    given = {"config": [str(path)], **{name.replace("_", "-"): v for name, v in flags.items()}}
    return load.load(given, host_name="node", directory=tmp_path)


def warned(tmp_path, text):
    """What is warned of, without the file's path."""
    path = tmp_path / "kubelet.yaml"
    return [str(one).removeprefix(f"{path}:") for one in loaded(tmp_path, text).findings]


def test_versions_and_suites_are_taken_from_the_file_and_from_flags(tmp_path):
    suite, other = "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_AES_128_GCM_SHA256"
    text = f"tlsMinVersion: VersionTLS13\ntlsCipherSuites: [{suite}]\n"
    settings = loaded(tmp_path, text).settings
    assert (settings.tls_min_version, settings.tls_cipher_suites) == ("VersionTLS13", (suite,))
    flags = {"tls_min_version": ["VersionTLS12"], "tls_cipher_suites": [f"{suite},{other}"]}
    settings = loaded(tmp_path, text, **flags).settings
    assert settings.tls_min_version == "VersionTLS12"
    assert settings.tls_cipher_suites == (suite, other)


def test_without_a_word_tls_1_2_and_the_usual_suites_hold(tmp_path):
    for text in ("", 'tlsMinVersion: ""\ntlsCipherSuites: []\n'):
        settings = loaded(tmp_path, text).settings
        assert (settings.tls_min_version, settings.tls_cipher_suites) == ("VersionTLS12", ())


ERRORS = {
    "a cipher suite that is none": (
        "tlsCipherSuites:\n- TLS_AES_128_GCM_SHA256\n- TLS_ECDHE_RSA_WITH_AES_128_GMC_SHA256",
        [
            (
                '5:3: tlsCipherSuites[1]: "TLS_ECDHE_RSA_WITH_AES_128_GMC_SHA256" is not the name'
                ' of a cipher suite; did you mean "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"?'
            )
        ],
    ),
    "a cipher suite in OpenSSL's words": (
        "tlsCipherSuites: [AES]",
        ['3:19: tlsCipherSuites[0]: "AES" is not the name of a cipher suite'],
    ),
    "a version of TLS that is none": (
        'tlsMinVersion: "1.2"',
        [
            (
                "3:1: tlsMinVersion: must be one of VersionTLS10, VersionTLS11, VersionTLS12,"
                ' VersionTLS13, not "1.2"'
            )
        ],
    ),
}


@pytest.mark.parametrize(("text", "said"), ERRORS.values(), ids=ERRORS)
def test_a_name_that_is_none_is_an_error_with_its_place(tmp_path, text, said):
    with pytest.raises(load.ConfigError) as refused:
        loaded(tmp_path, text)
    path = tmp_path / "kubelet.yaml"
    assert [str(one).removeprefix(f"{path}:") for one in refused.value.findings] == said


def test_a_flag_with_a_name_that_is_none_is_named(tmp_path):
    with pytest.raises(load.ConfigError) as refused:
        loaded(tmp_path, tls_cipher_suites=["AES"])
    assert [str(one) for one in refused.value.findings] == [
        'flag --tls-cipher-suites: tlsCipherSuites[0]: "AES" is not the name of a cipher suite'
    ]


WARNINGS = {
    "what is sound": ("tlsCipherSuites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]", []),
    "TLS 1.1": (
        "tlsMinVersion: VersionTLS11",
        [
            (
                "3:1: tlsMinVersion: VersionTLS11 is not offered, since it is broken:"
                " VersionTLS12 holds"
            )
        ],
    ),
    "RC4, and a suite without forward secrecy": (
        "tlsCipherSuites: [TLS_RSA_WITH_RC4_128_SHA, TLS_RSA_WITH_AES_128_CBC_SHA]",
        [
            (
                "3:19: tlsCipherSuites[0]: TLS_RSA_WITH_RC4_128_SHA is not offered, since"
                " it is broken"
            ),
            (
                "3:45: tlsCipherSuites[1]: TLS_RSA_WITH_AES_128_CBC_SHA is weak: better"
                " leave it out"
            ),
        ],
    ),
    "suites for TLS 1.3": (
        "tlsMinVersion: VersionTLS13\ntlsCipherSuites: [TLS_RSA_WITH_RC4_128_SHA]",
        [
            (
                "4:1: tlsCipherSuites: does nothing with tlsMinVersion: VersionTLS13,"
                " whose suites are fixed"
            )
        ],
    ),
    "a certificate that nobody is asked for": (
        "serverTLSBootstrap: true",
        [
            (
                "3:1: serverTLSBootstrap: no certificate is asked of the API server: one"
                " that is made here is served; set tlsCertFile and tlsPrivateKeyFile for another"
            )
        ],
    ),
    "the same beside one that is given": (
        "serverTLSBootstrap: true\ntlsCertFile: a.crt\ntlsPrivateKeyFile: a.key",
        [],
    ),
}


@pytest.mark.parametrize(("text", "said"), WARNINGS.values(), ids=WARNINGS)
def test_what_does_not_hold_is_warned_of_with_its_place(tmp_path, text, said):
    assert warned(tmp_path, text) == said


def test_a_flag_that_asks_for_a_certificate_is_warned_of_and_not_named_as_without_effect(tmp_path):
    made = loaded(tmp_path, rotate_server_certificates=["true"])
    assert [one.source for one in made.findings] == ["flag --rotate-server-certificates"]
    assert made.ineffective == ()


@pytest.mark.parametrize("suite", tlsrules.SUITES)
def test_openssl_offers_every_suite_that_is_not_told_to_be_broken(suite):
    offered = tlsrules.openssl([suite])
    if suite.startswith(("TLS_AES_", "TLS_CHACHA20_")) or "RC4" in suite or "3DES" in suite:
        assert not offered
        return
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers(offered)
    chosen = {one["name"] for one in context.get_ciphers() if one["protocol"] != "TLSv1.3"}
    assert chosen == {offered}


@pytest.mark.parametrize(
    ("version", "suites", "oldest"),
    [
        ("VersionTLS12", (), "VersionTLS12"),
        ("VersionTLS11", (), "VersionTLS12"),
        ("VersionTLS13", (), "VersionTLS13"),
        ("VersionTLS12", ("TLS_RSA_WITH_AES_128_CBC_SHA",), "VersionTLS12"),
        ("VersionTLS12", ("TLS_AES_128_GCM_SHA256",), "VersionTLS13"),
        ("VersionTLS12", ("TLS_RSA_WITH_RC4_128_SHA",), "VersionTLS13"),
    ],
)
def test_a_list_without_a_suite_for_tls_1_2_leaves_tls_1_3_alone(version, suites, oldest):
    assert tlsrules.oldest(version, suites) == oldest
