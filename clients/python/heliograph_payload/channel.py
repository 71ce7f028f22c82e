"""What a payload asks, and where it is asked."""

from __future__ import annotations

import logging
import threading
import time
from concurrent import futures
from typing import Any, Dict, List, Optional, Tuple

import grpc

from . import interface
from .errors import (
    Closed,
    Failed,
    NoResult,
    PayloadError,
    Refused,
    SetupError,
    Unknown,
    Unreachable,
)
from .interface import Band, Priority, ReturnCode, message
from .payload import RUNS_MAX, Payload, Run
from .provisioned import Files, Setup

SDK_VERSION = (1, 1, 1)

_THREADS = 32
_TEXT_BYTES_MAX = 127
_ID_MAX = 65535
_log = logging.getLogger(__name__)

# What gRPC says where a call never left.
_UNSENT = ("failed to connect", "Connection refused", "Ssl handshake failed")


def create_channel(files: Files, payload: Payload) -> Channel:
    """Opens an encrypted channel: the payload can be called when this returns."""
    setup = Setup.read(files)
    if not setup.is_encrypted:
        raise SetupError("SSL_FLAG=0: call create_insecure_channel for that")
    return Channel(setup, payload)


def create_insecure_channel(files: Files, payload: Payload) -> Channel:
    """Opens a channel that everybody on the way can read."""
    setup = Setup.read(files)
    if setup.is_encrypted:
        raise SetupError("SSL_FLAG=1: call create_channel for that")
    return Channel(setup, payload)


class Channel:
    """The channel to the controller."""

    def __init__(self, setup: Setup, payload: Payload) -> None:
        self._setup = setup
        self._payload = payload
        self._lock = threading.Condition()
        self._waiting: Dict[Tuple[str, int], List[Any]] = {}
        self._last_id = 0
        self._token: Optional[str] = None
        self._runs: Dict[str, Run] = {}
        self._is_stopping = False
        self._has_stopped = False
        self._is_closed = False
        self._methods = self._connect()
        self._server = self._serve()

    # What a payload asks.

    def register(self, restart_on_failed_health: bool = False) -> None:
        """Registers the payload, and waits until the controller says that it did."""
        major, minor, patch = SDK_VERSION
        version = message("AntarisSdkVersion")(major=major, minor=minor, patch=patch)
        self._done(
            "PC_register",
            "PA_ProcessResponseRegister",
            health_check_fail_action=int(restart_on_failed_health),
            sdk_version=version,
        )

    def current_location(self) -> Any:
        """Where the spacecraft is: ``latitude``, ``longitude``, ``altitude``, and more; its age
        is ``determined_at``."""
        return self._done("PC_get_current_location", "PA_ProcessResponseGetCurrentLocation")

    def stage_file_download(
        self, path: str, priority: Priority = Priority.NORMAL, band: Band = Band.S
    ) -> None:
        """Has a file of the outbound directory go down. When this returns, it will."""
        self._done(
            "PC_stage_file_download",
            "PA_ProcessResponseStageFileDownload",
            file_path=path,
            file_priority=int(priority),
            file_dl_band=int(band),
        )

    def payload_power_control(self, device: int, on: bool) -> None:
        """Has a device switched; 0 is the payload's own."""
        self._done(
            "PC_payload_power_control",
            "PA_ProcessResponsePayloadPowerControl",
            power_operation=int(on),
            hw_id=device,
        )

    def start_ephemeris(self, period_ms: int = 0) -> None:
        """Has ephemeris told to :meth:`Payload.ephemeris`; once, if 0."""
        self._done(
            "PC_gnss_eph_start_req",
            "PA_ProcessRespGnssEphStartDataReq",
            periodicity_in_ms=period_ms,
            eph2_enable=1,
        )

    def stop_ephemeris(self) -> None:
        """No more of it."""
        self._done("PC_gnss_eph_stop_req", "PA_ProcessRespGnssEphStopDataReq")

    def start_voltage(self, period_ms: int = 0) -> None:
        """Has the bus voltage told to :meth:`Payload.voltage`; once, if 0."""
        self._done(
            "PC_get_eps_voltage_start_req",
            "PA_ProcessRespGetEpsVoltageStartReq",
            periodicity_in_ms=period_ms,
        )

    def stop_voltage(self) -> None:
        """No more of it."""
        self._done("PC_get_eps_voltage_stop_req", "PA_ProcessRespGetEpsVoltageStopReq")

    def start_thermal(self, device: int, seconds: int, lower_c: int, upper_c: int) -> None:
        """Has a device kept between two temperatures."""
        self._done(
            "PC_start_ses_therm_mgmnt_req",
            "PA_ProcessRespStartSesThermMgmntReq",
            hardware_id=device,
            duration=seconds,
            lower_threshold=lower_c,
            upper_threshold=upper_c,
        )

    def stop_thermal(self, device: int) -> None:
        """It is not, any more."""
        self._done(
            "PC_stop_ses_therm_mgmnt_req", "PA_ProcessRespStopSesThermMgmntReq", hardware_id=device
        )

    def temperature(self, device: int) -> int:
        """How warm a device is, in °C."""
        told = self._done("PC_ses_temp_req", "PA_ProcessRespSesTempReq", hardware_id=device)
        return told.temperature

    def server_temperature(self) -> int:
        """How warm the payload server is, in °C."""
        return self._done("PC_ps_temp_req", "PA_ProcessRespPsTemp").temperature

    def send_message(self, command_id: int, data: bytes) -> None:
        """Gives the spacecraft a message of 1020 octets at most."""
        self._done(
            "PC_pa_satos_message",
            "PA_ProcessRespPaSatOsMsg",
            command_id=command_id,
            payload_data=data,
        )

    def copy_files(self, operation: Any) -> None:
        """Has files copied between hosts; :meth:`Payload.copied` is told of each."""
        self.call("PC_host_to_peer_fcm_operation", operation)

    def session(self) -> Any:
        """What the controller knows of the payload."""
        return self.call("GetSession", message("SessionRequest")())

    def call(self, rpc: str, asked: Any) -> Any:
        """Makes a call as it is; what comes of it is not waited for."""
        if self._is_closed:
            raise Closed(f"{rpc}: the channel is closed")
        metadata = [("cookie", self._setup.cookie)]
        if self._token:
            metadata.append(("x-heliograph-session", self._token))
        try:
            answer, call = self._methods[rpc].with_call(
                asked, metadata=metadata, timeout=self._setup.patience.call
            )
        except grpc.RpcError as error:
            raise _failed(rpc, error) from error
        said = getattr(answer, "acknowledgement", answer)
        if said.return_code != ReturnCode.SUCCESS:
            reason = getattr(said, "reason", "")
            reason = reason or dict(call.initial_metadata()).get("x-heliograph-reason", "")
            raise Refused(rpc, said.return_code, reason)
        return answer

    def wait_for_shutdown(self, seconds: Optional[float] = None) -> bool:
        """Waits until the payload was told to shut down, did, and told the controller. False,
        where it was not within that time."""
        with self._lock:
            return self._lock.wait_for(lambda: self._has_stopped, seconds)

    def delete_channel(self) -> None:
        """Closes the channel: runs are asked to end, the controller is told, and nothing is
        called in the payload any more."""
        self._cancel_all()
        try:
            self._call_if_known("CloseSession", message("CloseSessionRequest")())
        except PayloadError as error:
            _log.debug("%s", error)
        self._is_closed = True
        self._server.stop(grace=1.0).wait()
        self._connection.close()

    # How it is asked.

    def _connect(self) -> Dict[str, Any]:
        setup = self._setup
        options = [("grpc.use_local_subchannel_pool", 1)]
        if setup.is_encrypted:
            credentials = grpc.ssl_channel_credentials(setup.root, setup.key, setup.certificate)
            self._connection = grpc.secure_channel(setup.controller, credentials, options)
        else:
            self._connection = grpc.insecure_channel(setup.controller, options)
        return {
            method.name: self._connection.unary_unary(
                f"/{service.full_name}/{method.name}",
                request_serializer=lambda asked: asked.SerializeToString(),
                response_deserializer=interface.class_of(method.output_type).FromString,
            )
            for service in (interface.CONTROLLER, interface.CONTROLLER_EXTENSION)
            for method in service.methods
        }

    def _done(self, rpc: str, told_by: str, **fields: Any) -> Any:
        """Makes a call, and waits for the callback that tells what came of it."""
        told: List[Any] = []
        with self._lock:
            key = (told_by, self._next_id(told_by))
            self._waiting[key] = told
        try:
            service = interface.CONTROLLER.methods_by_name[rpc]
            asked = interface.class_of(service.input_type)
            self.call(rpc, asked(correlation_id=key[1], **fields))
            with self._lock:
                if not self._lock.wait_for(lambda: told, self._setup.patience.result):
                    raise NoResult(f"{rpc}: what came of it was not told in time")
        finally:
            with self._lock:
                self._waiting.pop(key, None)
        answer = told[0]
        status = getattr(answer, "req_status", getattr(answer, "status", 0))
        if status != 0:
            raise Failed(rpc, status)
        return answer

    def _next_id(self, told_by: str) -> int:
        while True:
            self._last_id = self._last_id % _ID_MAX + 1
            if (told_by, self._last_id) not in self._waiting:
                return self._last_id

    def _call_if_known(self, rpc: str, asked: Any) -> bool:
        """False, where the controller does not know that call."""
        try:
            self.call(rpc, asked)
        except Refused as refused:
            if refused.code != ReturnCode.NOT_IMPLEMENTED:
                raise
            return False
        return True

    # Where it is asked.

    def _serve(self) -> Any:
        server = grpc.server(futures.ThreadPoolExecutor(max_workers=_THREADS))
        for service in (interface.CALLBACKS, interface.CALLBACKS_EXTENSION):
            handlers = {method.name: self._handler(method) for method in service.methods}
            generic = grpc.method_handlers_generic_handler(service.full_name, handlers)
            server.add_generic_rpc_handlers((generic,))
        setup = self._setup
        try:
            if setup.is_encrypted:
                pair = [(setup.key, setup.certificate)]
                credentials = grpc.ssl_server_credentials(
                    pair, setup.root, require_client_auth=True
                )
                bound = server.add_secure_port(setup.listen, credentials)
            else:
                bound = server.add_insecure_port(setup.listen)
        except RuntimeError as error:
            bound, why = 0, error
        else:
            why = None
        if bound == 0:
            text = f"cannot listen on {setup.listen}; another process of the payload may still run"
            raise SetupError(text) from why
        server.start()
        return server

    def _handler(self, method: Any) -> Any:
        asked = interface.class_of(method.input_type)
        answered = interface.class_of(method.output_type)

        def handle(request: Any, context: Any) -> Any:
            if not self._setup.is_encrypted and not self._is_controller(context.peer()):
                context.abort(grpc.StatusCode.UNAUTHENTICATED, "you are not the controller")
            return answered(return_code=self._called(method.name, request))

        return grpc.unary_unary_rpc_method_handler(
            handle,
            request_deserializer=asked.FromString,
            response_serializer=answered.SerializeToString,
        )

    def _is_controller(self, peer: str) -> bool:
        _, _, place = peer.partition(":")
        address = place.rpartition(":")[0].replace("%5B", "[").replace("%5D", "]")
        return address == self._setup.controller.rpartition(":")[0]

    def _called(self, rpc: str, asked: Any) -> int:
        payload = self._payload
        code = payload.intercept(rpc, asked)
        if code is not None:
            return code
        told = {
            "PA_ProcessGnssEphData": payload.ephemeris,
            "PA_ProcessSesThrmlNtf": payload.thermal,
            "PA_ProcessRemoteAcPwrStatusNtf": payload.remote_power,
            "PA_ProcessHostToPeerFcmOperationNotify": payload.copied,
            "PA_ProcessGetEpsVoltage": lambda it: payload.voltage(it.eps_voltage),
        }
        does = {
            "PA_StartSequence": self._start,
            "CancelSequence": self._cancel,
            "PA_ShutdownApp": self._shut_down,
            "PA_ProcessHealthCheck": lambda _: payload.health(),
            "PA_ProcessReqPayloadMetrics": self._metrics,
            "PA_ProcessSatOsPaMsg": self._message,
        }
        if rpc in told:
            told[rpc](asked)
            return ReturnCode.SUCCESS
        if rpc in does:
            return does[rpc](asked)
        if rpc == "PA_ProcessResponseRegister" and asked.auth_token:
            self._token = asked.auth_token
        with self._lock:
            waiting = self._waiting.get((rpc, asked.correlation_id))
            if waiting is None:
                _log.warning("%s answers %d, which was not asked", rpc, asked.correlation_id)
                return ReturnCode.INVALID_PARAMS
            waiting.append(asked)
            self._lock.notify_all()
        return ReturnCode.SUCCESS

    def _start(self, started: Any) -> int:
        if not self._payload.has_sequence(started.sequence_id):
            return ReturnCode.INVALID_SEQUENCE
        run = Run(self, started)
        with self._lock:
            if self._is_stopping:
                return ReturnCode.NOT_PERMITTED
            if run.sequence in self._runs:
                return ReturnCode.GENERIC_FAILURE
            if len(self._runs) >= RUNS_MAX:
                return ReturnCode.OUT_OF_RESOURCES
            self._runs[run.sequence] = run
        threading.Thread(target=self._run, args=(run,), daemon=True).start()
        return ReturnCode.SUCCESS

    def _run(self, run: Run) -> None:
        outcome, text = "OUTCOME_SUCCEEDED", ""
        try:
            self._payload.sequence(self, run)
        except Exception as error:  # Whatever it is, the controller is told.
            outcome = "OUTCOME_CANCELLED" if run.is_cancelled else "OUTCOME_FAILED"
            text = str(error) or type(error).__name__
            _log.debug("`%s` failed", run.sequence, exc_info=True)
        # Before the controller may begin the same sequence again.
        with self._lock:
            self._runs.pop(run.sequence, None)
            self._lock.notify_all()
        text = text.replace("\0", " ").encode()[:_TEXT_BYTES_MAX].decode(errors="ignore")
        result = message("SequenceResult")(run=run._named(), outcome=outcome, text=text)
        try:
            if not self._call_if_known("ReportResult", result):
                done = message("CmdSequenceDoneParams")(sequence_id=run.sequence)
                self.call("PC_sequence_done", done)
        except PayloadError as error:
            _log.warning("%s", error)

    def _cancel(self, cancel: Any) -> int:
        with self._lock:
            run = self._runs.get(cancel.run.sequence_id)
        if run is None or run._correlation_id != cancel.run.correlation_id:
            return ReturnCode.INVALID_SEQUENCE
        run._cancelled.set()
        return ReturnCode.SUCCESS

    def _cancel_all(self) -> None:
        with self._lock:
            runs = list(self._runs.values())
        for run in runs:
            run._cancelled.set()

    def _shut_down(self, asked: Any) -> int:
        with self._lock:
            if self._is_stopping:
                return ReturnCode.SUCCESS
            self._is_stopping = True
        self._cancel_all()
        threading.Thread(target=self._end, args=(asked,), daemon=True).start()
        return ReturnCode.SUCCESS

    def _end(self, asked: Any) -> None:
        until = time.monotonic() + asked.grace_time
        try:
            self._payload.shutdown(float(asked.grace_time), asked.shutdown_reason)
            with self._lock:
                left = max(0.0, until - time.monotonic())
                is_done = self._lock.wait_for(lambda: not self._runs, left)
            response = message("RespShutdownParams")
            told = response(correlation_id=asked.correlation_id, req_status=int(not is_done))
            self._say("PC_response_shutdown", told)
        finally:
            with self._lock:
                self._has_stopped = True
                self._lock.notify_all()

    def _metrics(self, asked: Any) -> int:
        metrics = self._payload.metrics()
        info = message("PayloadMetricsInfo")
        told = message("PayloadMetricsResponse")(
            correlation_id=asked.correlation_id,
            timestamp=int(time.time()),
            used_counter=len(metrics),
            # 32 bits, whatever the sign of them is called.
            metrics=[
                info(names=name, counter=count - (1 << 32) if count >= 1 << 31 else count)
                for name, count in metrics.items()
            ],
        )
        return self._say("PC_response_payload_metrics", told)

    def _message(self, asked: Any) -> int:
        code = self._payload.message(asked.command_id, asked.payload_data)
        told = message("RespSatOsPaMsg")(
            correlation_id=asked.correlation_id,
            command_id=asked.command_id,
            req_status=int(code != ReturnCode.SUCCESS),
        )
        self._say("PC_satos_pa_message", told)
        return code

    def _say(self, rpc: str, told: Any) -> int:
        try:
            self.call(rpc, told)
        except PayloadError as error:
            _log.warning("%s", error)
            return ReturnCode.GENERIC_FAILURE
        return ReturnCode.SUCCESS


def _failed(rpc: str, error: grpc.RpcError) -> PayloadError:
    code, details = error.code(), error.details() or ""
    if code is grpc.StatusCode.UNIMPLEMENTED:
        return Refused(rpc, ReturnCode.NOT_IMPLEMENTED, "the controller does not know that call")
    if code in (grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED):
        return Refused(rpc, ReturnCode.NOT_PERMITTED, details)
    if code is grpc.StatusCode.UNAVAILABLE and any(text in details for text in _UNSENT):
        return Unreachable(f"{rpc}: there is no controller: {details}")
    return Unknown(f"{rpc}: whether it was done is unknown: {code.name}: {details}")
