"""A real SMTP server that keeps what it gets: prints its port, then a JSON object for each mail.

sink.py [--tls none|starttls|implicit --certificate FILE --key FILE] [--user NAME --password P [--login PLAIN,LOGIN]]
        [--no-ehlo] [--no-utf8] [--size BYTES]
A recipient that begins with "refused" is refused for good, one with "later" for now, at one with "bye" it hangs up.
Mail from a sender that begins with "full" is refused for now, from one with "drop" it hangs up in the middle.
"""
import argparse
import asyncio
import email
import email.policy
import json
import logging
import ssl

from aiosmtpd.smtp import SMTP, AuthResult

parser = argparse.ArgumentParser()
parser.add_argument("--tls", default="none")
parser.add_argument("--certificate")
parser.add_argument("--key")
parser.add_argument("--user")
parser.add_argument("--password")
parser.add_argument("--login", default="PLAIN,LOGIN")
parser.add_argument("--no-ehlo", action="store_true")
parser.add_argument("--no-utf8", action="store_true")
parser.add_argument("--size", type=int, default=33_554_432)
options = parser.parse_args()
logging.getLogger("mail.log").setLevel(logging.CRITICAL)


class Keeper:
    async def handle_RCPT(self, server, session, envelope, address, rcpt_options):
        if address.startswith("refused"):
            return "550 5.1.1 no such user here"
        if address.startswith("later"):
            return "451 4.3.0 come back later"
        if address.startswith("bye"):
            await server.push("421 4.3.2 shutting down")
            server.transport.close()
            return "421 4.3.2 shutting down"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        if envelope.mail_from.startswith("full"):
            return "452 4.3.1 no space left"
        if envelope.mail_from.startswith("drop"):
            server.transport.abort()
            return "451 never heard"
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        bodies = {part.get_content_type(): part.get_content() for part in mail.walk() if part.get_content_maintype() == "text"}
        print(json.dumps({
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "data": envelope.content.decode("utf-8", "surrogateescape").encode("utf-8", "replace").decode("utf-8"),
            "tls": session.ssl is not None or options.tls == "implicit",
            "auth": session.auth_data.login.decode() if session.authenticated else None,
            "mechanism": getattr(session.auth_data, "mechanism", None),
            "ehlo": session.extended_smtp,
            "options": envelope.mail_options,
            "headers": {name: str(value) for name, value in mail.items()},
            "text": bodies.get("text/plain"),
            "html": bodies.get("text/html"),
            "defects": [str(defect) for part in mail.walk() for defect in part.defects],
        }), flush=True)
        return "250 OK"


class Login:
    def __init__(self, mechanism, login):
        self.mechanism, self.login = mechanism, login


def authenticate(server, session, envelope, mechanism, data):
    if (data.login.decode(), data.password.decode()) == (options.user, options.password):
        return AuthResult(success=True, auth_data=Login(mechanism, data.login))
    return AuthResult(success=False, handled=False)


class Server(SMTP):
    async def smtp_EHLO(self, hostname):
        if options.no_ehlo:
            await self.push("502 5.5.1 EHLO is not spoken here")
        else:
            await super().smtp_EHLO(hostname)


def serve():
    return Server(
        Keeper(),
        data_size_limit=options.size,
        enable_SMTPUTF8=not options.no_utf8,
        tls_context=context if options.tls == "starttls" else None,
        require_starttls=options.tls == "starttls",
        authenticator=authenticate if options.user else None,
        auth_required=options.user is not None,
        auth_require_tls=False,
        auth_exclude_mechanism={"PLAIN", "LOGIN"} - set(options.login.split(",")),
    )


async def main():
    loop = asyncio.get_running_loop()
    listener = await loop.create_server(serve, "127.0.0.1", 0, ssl=context if options.tls == "implicit" else None)
    print(listener.sockets[0].getsockname()[1], flush=True)
    await listener.serve_forever()


context = None
if options.tls != "none":
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(options.certificate, options.key)
asyncio.run(main())
