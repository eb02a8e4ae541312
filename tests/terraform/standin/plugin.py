"""The handshake of Terraform's plugins (go-plugin): a gRPC server, a throw-away certificate."""

from __future__ import annotations

import base64
import datetime
import os
import sys
import tempfile
import threading
from concurrent import futures

import grpc
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from tf.gen import grpc_controller_pb2 as controller_pb
from tf.gen import grpc_controller_pb2_grpc as controller
from tf.gen import grpc_stdio_pb2_grpc as stdio
from tf.gen import tfplugin_pb2_grpc as rpc

LARGEST = 512 * 2**20
"""Bytes of a message: Terraform asks for the whole schema in one."""


def serve(provider: rpc.ProviderServicer) -> None:
    """Serve until Terraform says shutdown."""
    if "TF_PLUGIN_MAGIC_COOKIE" not in os.environ:
        sys.exit("this is a plugin of terraform, which runs it itself")
    done = threading.Event()
    limits = [
        ("grpc.max_send_message_length", LARGEST),
        ("grpc.max_receive_message_length", LARGEST),
    ]
    server = grpc.server(futures.ThreadPoolExecutor(8), options=limits)
    rpc.add_ProviderServicer_to_server(provider, server)
    controller.add_GRPCControllerServicer_to_server(_Controller(done), server)
    stdio.add_GRPCStdioServicer_to_server(_Stdio(), server)
    with tempfile.TemporaryDirectory() as folder:
        socket = f"{folder}/plugin.sock"
        der, key, pem = _certificate()
        server.add_secure_port(f"unix:{socket}", grpc.ssl_server_credentials([(key, pem)]))
        server.start()
        print(f"1|6|unix|{socket}|grpc|{base64.b64encode(der).decode().rstrip('=')}", flush=True)
        done.wait()
        server.stop(0.1).wait()


class _Controller(controller.GRPCControllerServicer):
    def __init__(self, done: threading.Event) -> None:
        self.done = done

    def Shutdown(self, request, context):
        self.done.set()
        return controller_pb.Empty()


class _Stdio(stdio.GRPCStdioServicer):
    def StreamStdio(self, request, context):
        return iter(())


def _certificate() -> tuple[bytes, bytes, bytes]:
    """For localhost and a day: DER for the handshake, key and certificate in PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    encoding = serialization.Encoding
    private = key.private_bytes(
        encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return certificate.public_bytes(encoding.DER), private, certificate.public_bytes(encoding.PEM)
