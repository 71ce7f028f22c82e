"""A payload of the Python package that asks for everything, in a sequence each; what it is told
is printed. Arguments: the directory of the packages, that of its files, `secure` or `plain`."""

import sys
import threading

packages, folder, kind = sys.argv[1:4]
sys.path.insert(0, packages)

import heliograph_payload as hosted

told = threading.Condition()
heard = []


def hear(what):
    print(what, flush=True)
    with told:
        heard.append(what)
        told.notify_all()


def wait_for(what):
    with told:
        assert told.wait_for(lambda: what in heard, 20), f"{what} in {heard}"


class Camera(hosted.Payload):
    def has_sequence(self, sequence):
        return hasattr(self, sequence.lower())

    def sequence(self, channel, run):
        getattr(self, run.sequence.lower())(channel, run)

    def image(self, channel, run):
        assert channel.session().is_registered
        assert channel.current_location().altitude > 100.0
        channel.stage_file_download("image.raw", hosted.Priority.HIGH)
        try:
            channel.stage_file_download("../key")
        except hosted.Refused as refused:
            assert refused.code == hosted.ReturnCode.INVALID_PARAMS, refused
            assert refused.reason, refused
        else:
            raise AssertionError("it was taken")

    def devices(self, channel, run):
        channel.payload_power_control(134, True)
        channel.start_voltage(1000)
        wait_for("voltage")
        channel.stop_voltage()
        channel.start_ephemeris(1000)
        wait_for("ephemeris")
        channel.stop_ephemeris()
        channel.server_temperature()
        channel.send_message(9, b"\x00\x01")

    def broken(self, channel, run):
        raise ValueError("the shutter is stuck")

    def long(self, channel, run):
        run.progress(40, "exposing")
        assert run.wait(30), "nobody cancelled it"
        raise RuntimeError("it was cancelled")

    def lost(self, channel, run):
        channel._setup.patience.result = 0.3
        try:
            channel.server_temperature()
        except hosted.NoResult:
            return
        raise AssertionError("it was told")

    def intercept(self, rpc, asked):
        if rpc == "PA_ProcessRespPsTemp" and "Lost" in channel._runs:
            return 0
        return None

    def metrics(self):
        return {"shots": 7}

    def message(self, command_id, data):
        hear(f"message {command_id} {data!r}")
        return hosted.ReturnCode.SUCCESS

    def voltage(self, volts):
        assert volts > 0
        hear("voltage")

    def ephemeris(self, ephemeris):
        hear("ephemeris")

    def shutdown(self, grace, reason):
        hear(f"shutdown {reason}")


create = {"secure": hosted.create_channel, "plain": hosted.create_insecure_channel}[kind]
channel = create(hosted.Files.folder(folder), Camera())
channel.register(restart_on_failed_health=True)
print("registered", flush=True)
assert channel.wait_for_shutdown(120)
channel.delete_channel()
