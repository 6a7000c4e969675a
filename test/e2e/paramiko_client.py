"""Drives the agent with Paramiko: python3 paramiko_client.py PORT DIRECTORY CLOSED_PORT. Prints one JSON object."""

import json
import socket
import sys
import threading

import paramiko

port, directory, closed_port = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
seen = {}

client = paramiko.SSHClient()
client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
transport = paramiko.Transport(("127.0.0.1", port))
transport.start_client(timeout=60)
transport.auth_none("anyone")
client._transport = transport

stdin, stdout, stderr = client.exec_command("cat; echo error >&2; exit 7")
stdin.write("typed\n")
stdin.channel.shutdown_write()
seen["exec"] = [stdout.read().decode(), stderr.read().decode(), stdout.channel.recv_exit_status()]

channel = transport.open_session()
channel.set_environment_variable("MINE", "yes")
channel.get_pty("vt100", 91, 31)
channel.exec_command('echo "$MINE $TERM"; stty size; read x; stty size')
output = channel.makefile("r")
seen["terminal"] = [output.readline().strip(), output.readline().strip()]
channel.resize_pty(101, 41)
channel.send("\n")
rest = output.read()
rest = rest.decode() if isinstance(rest, bytes) else rest
seen["resized"] = rest.split()[-2:]

shell = transport.open_session()
shell.invoke_shell()
shell.send("exit 3\n")
while shell.recv(4096):
    pass
seen["shell"] = shell.recv_exit_status()

sftp = paramiko.SFTPClient.from_transport(transport)
sftp.chdir(directory)
sftp.mkdir("dir", 0o750)
with sftp.open("dir/file", "wb") as file:
    file.set_pipelined(True)
    for _ in range(64):
        file.write(b"x" * 32768)
with sftp.open("dir/file", "r+b") as file:
    file.seek(10)
    file.write(b"patched")
with sftp.open("dir/file", "rb") as file:
    file.prefetch()
    data = file.read()
    vector = file.readv([(0, 4), (10, 7)])
    seen["file"] = [len(data), data[8:19].decode(), [part.decode() for part in vector]]
with sftp.open("dir/file", "ab") as file:
    file.write(b"end")
seen["size"] = sftp.stat("dir/file").st_size
sftp.truncate("dir/file", 5)
sftp.chmod("dir/file", 0o600)
sftp.utime("dir/file", (1000, 2000))
attributes = sftp.stat("dir/file")
seen["attributes"] = [attributes.st_size, attributes.st_mode & 0o777, attributes.st_mtime]
sftp.symlink("file", "dir/link")
seen["link"] = [sftp.readlink("dir/link"), sftp.lstat("dir/link").st_mode & 0o170000 == 0o120000]
sftp.rename("dir/file", "dir/renamed")
sftp.posix_rename("dir/renamed", "dir/file")
seen["list"] = sorted(sftp.listdir("dir"))
seen["iterated"] = sorted(entry.filename for entry in sftp.listdir_iter("dir"))
seen["normalized"] = sftp.normalize("dir/../dir/./link")
for name in ("link", "file"):
    sftp.remove(f"dir/{name}")
sftp.rmdir("dir")
try:
    sftp.stat("dir")
except FileNotFoundError:
    seen["missing"] = "FileNotFoundError"
sftp.close()


def serve(listener):
    connection, _ = listener.accept()
    connection.sendall(connection.recv(100).upper())
    connection.close()


listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen()
threading.Thread(target=serve, args=(listener,)).start()
forwarded = transport.open_channel("direct-tcpip", listener.getsockname(), ("127.0.0.1", 1))
forwarded.sendall(b"forwarded")
seen["local"] = forwarded.recv(100).decode()
try:
    transport.open_channel("direct-tcpip", ("127.0.0.1", closed_port), ("127.0.0.1", 1))
except paramiko.ChannelException as error:
    seen["refused"] = error.code

bound = transport.request_port_forward("127.0.0.1", 0)
visitor = socket.create_connection(("127.0.0.1", bound))
arrived = transport.accept(60)
visitor.sendall(b"reversed")
seen["remote"] = arrived.recv(100).decode()
visitor.close()
arrived.close()
transport.cancel_port_forward("127.0.0.1", bound)

transport.renegotiate_keys()
_, stdout, _ = client.exec_command("echo after new keys")
seen["rekeyed"] = stdout.read().decode()

many = [transport.open_session() for _ in range(30)]
for number, channel in enumerate(many):
    channel.exec_command(f"echo {number}")
seen["many"] = [int(channel.makefile("r").read()) for channel in many] == list(range(30))

transport.close()
print(json.dumps(seen))
