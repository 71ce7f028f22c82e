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


def fails(error, what, *arguments):
    try:
        what(*arguments)
    except error:
        return
    raise AssertionError(f"{what.__name__}{arguments} was done")


def to_radar(*names):
    file = hosted.message("FileInput")
    files = [file(filename_length=len(name), filename=name.encode()) for name in names]
    operation = hosted.message("HostToPeerFcmOperation")
    return operation(
        correlation_id=77, peer_app_id=2, no_of_files=len(files), file_input=files
    )


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

    def quick(self, channel, run):
        run.progress(50, "half")

    def warm(self, channel, run):
        for _ in range(100):
            try:
                assert channel.server_temperature() == -5
                break
            except hosted.Refused:
                # The bus is not heard yet.
                run.wait(0.05)
        assert channel.temperature(0) == -12
        fails(hosted.Failed, channel.temperature, 1)
        channel.start_thermal(0, 600, -10, 5)
        wait_for("heater 1 at -12")
        fails(hosted.Failed, channel.start_thermal, 0, 600, -10, 5)
        channel.stop_thermal(0)
        fails(hosted.Failed, channel.start_thermal, 0, 600, 5, -10)

    def copies(self, channel, run):
        channel.copy_files(to_radar("map.bin", "none"))
        wait_for("copied map.bin 1 0")
        wait_for("copied none 0 1")
        fails(hosted.Refused, channel.copy_files, to_radar("../key"))

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

    def thermal(self, status):
        hear(f"heater {status.heater_pwr_status} at {status.temperature}")

    def copied(self, notice):
        hear(f"copied {notice.file_name} {notice.fcm_complete} {notice.req_status}")

    def shutdown(self, grace, reason):
        hear(f"shutdown {reason}")


create = {"secure": hosted.create_channel, "plain": hosted.create_insecure_channel}[kind]
channel = create(hosted.Files.folder(folder), Camera())
channel.register(restart_on_failed_health=True)
print("registered", flush=True)
assert channel.wait_for_shutdown(120)
channel.delete_channel()
