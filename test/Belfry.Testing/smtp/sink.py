"""A real SMTP server that keeps what it gets: prints its port, then a JSON object for each mail.

sink.py none|starttls|implicit [CERTIFICATE KEY] [USER PASSWORD]      ("-" for what is not wanted)
A recipient that begins with "refused" is refused for good, one with "later" for now.
"""
import json
import logging
import socket
import ssl
import sys
import time

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult

tls, certificate, key, user, password = (sys.argv[1:] + ["-"] * 5)[:5]
logging.getLogger("mail.log").setLevel(logging.ERROR)


class Keeper:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("refused"):
            return "550 5.1.1 no such user here"
        if address.startswith("later"):
            return "451 4.3.0 come back later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        print(json.dumps({
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "data": envelope.content.decode("utf-8", "surrogateescape").encode("utf-8", "replace").decode("utf-8"),
            "tls": session.ssl is not None or tls == "implicit",
            "auth": session.auth_data.login.decode() if session.authenticated else None,
            "mechanism": getattr(session.auth_data, "mechanism", None),
        }), flush=True)
        return "250 OK"


class Login:
    def __init__(self, mechanism, login):
        self.mechanism, self.login = mechanism, login


def authenticate(server, session, envelope, mechanism, data):
    if (data.login.decode(), data.password.decode()) == (user, password):
        return AuthResult(success=True, auth_data=Login(mechanism, data.login))
    return AuthResult(success=False, handled=False)


class Sink(Controller):
    def factory(self):
        return SMTP(
            self.handler,
            data_size_limit=33_554_432,
            enable_SMTPUTF8=True,
            tls_context=context if tls == "starttls" else None,
            require_starttls=tls == "starttls",
            authenticator=authenticate if user != "-" else None,
            auth_required=user != "-",
            auth_require_tls=False,
        )


context = None
if tls != "none":
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]
sink = Sink(Keeper(), hostname="127.0.0.1", port=port, ssl_context=context if tls == "implicit" else None)
sink.start()
print(port, flush=True)
while True:
    time.sleep(3600)
