"""CFDP PDUs (CCSDS 727.0-B-5) as Python's `spacepackets` sees them, and checksums of
files by `cfdp-py`.

A header is {"source", "number", "destination", "id_bytes", "number_bytes", "mode",
"crc", "large"}; a PDU is {"pdu": its name, ...} with codes as numbers, names as text
and other octets as hexadecimal text.
"""

import tempfile
from pathlib import Path

import hearing
from cfdppy.filestore import NativeFilestore
from spacepackets.cfdp.conf import PduConfig
from spacepackets.cfdp.defs import (
    ChecksumType,
    ConditionCode,
    CrcFlag,
    DeliveryCode,
    FaultHandlerCode,
    FileStatus,
    LargeFileFlag,
    SegmentationControl,
    TransactionId,
    TransmissionMode,
)
from spacepackets.cfdp.lv import CfdpLv
from spacepackets.cfdp.pdu import (
    AckPdu,
    DirectiveType,
    EofPdu,
    FinishedPdu,
    KeepAlivePdu,
    MetadataPdu,
    NakPdu,
    PromptPdu,
    TransactionStatus,
)
from spacepackets.cfdp.pdu.file_data import (
    FileDataParams,
    FileDataPdu,
    RecordContinuationState,
    SegmentMetadata,
)
from spacepackets.cfdp.pdu.finished import FinishedParams
from spacepackets.cfdp.pdu.header import PduHeader
from spacepackets.cfdp.pdu.helper import PduFactory
from spacepackets.cfdp.pdu.metadata import MetadataParams
from spacepackets.cfdp.pdu.prompt import ResponseRequired
from spacepackets.cfdp.tlv import (
    DirectoryListingRequest,
    DirectoryListingResponse,
    DirectoryParams,
    EntityIdTlv,
    FaultHandlerOverrideTlv,
    FilestoreActionCode,
    FilestoreResponseStatusCode,
    FileStoreRequestTlv,
    FileStoreResponseTlv,
    FlowLabelTlv,
    MessageToUserTlv,
    OriginatingTransactionId,
    ProxyCancelRequest,
    ProxyClosureRequest,
    ProxyPutRequest,
    ProxyPutRequestParams,
    ProxyPutResponse,
    ProxyPutResponseParams,
    ProxyTransmissionMode,
    TlvHolder,
    TlvType,
)
from spacepackets.util import UnsignedByteField


def _config(header, segmentation_control=0):
    return PduConfig(
        source_entity_id=UnsignedByteField(header["source"], header["id_bytes"]),
        dest_entity_id=UnsignedByteField(header["destination"], header["id_bytes"]),
        transaction_seq_num=UnsignedByteField(header["number"], header["number_bytes"]),
        trans_mode=TransmissionMode(header["mode"]),
        file_flag=LargeFileFlag(header["large"]),
        crc_flag=CrcFlag(header["crc"]),
        seg_ctrl=SegmentationControl(segmentation_control),
    )


def _header(pdu):
    return {
        "source": pdu.source_entity_id.value,
        "number": pdu.transaction_seq_num.value,
        "destination": pdu.dest_entity_id.value,
        "id_bytes": pdu.source_entity_id.byte_len,
        "number_bytes": pdu.transaction_seq_num.byte_len,
        "mode": int(pdu.transmission_mode),
        "crc": int(pdu.crc_flag),
        "large": int(pdu.file_flag),
    }


def _fault(pdu):
    location = pdu.fault_location
    return None if location is None else location.value.hex()


def _location(fields):
    location = fields["fault"]
    return None if location is None else EntityIdTlv(bytes.fromhex(location))


def _response(tlv):
    return {
        "action": int(tlv.action_code),
        "status": int(tlv.status_code) & 0xF,
        "first": tlv.first_file_name,
        "second": tlv.second_file_name,
        "message": tlv.filestore_msg.value.hex(),
    }


def _response_tlv(fields):
    action = FilestoreActionCode(fields["action"])
    return FileStoreResponseTlv(
        action,
        FilestoreResponseStatusCode(action << 4 | fields["status"]),
        fields["first"],
        fields["second"],
        CfdpLv(bytes.fromhex(fields["message"])),
    )


def _option(tlv):
    holder = TlvHolder(tlv)
    if tlv.tlv_type == TlvType.FILESTORE_REQUEST:
        request = holder.to_fs_request()
        return {
            "option": "request",
            "action": int(request.action_code),
            "first": request.first_file_name,
            "second": request.second_file_name,
        }
    if tlv.tlv_type == TlvType.FAULT_HANDLER:
        override = holder.to_fault_handler_override()
        return {
            "option": "override",
            "condition": int(override.condition_code),
            "handler": int(override.handler_code),
        }
    names = {TlvType.MESSAGE_TO_USER: "message", TlvType.FLOW_LABEL: "flow_label"}
    return {"option": names[tlv.tlv_type], "octets": tlv.value.hex()}


def _option_tlv(fields):
    match fields["option"]:
        case "request":
            action = FilestoreActionCode(fields["action"])
            return FileStoreRequestTlv(action, fields["first"], fields["second"])
        case "override":
            return FaultHandlerOverrideTlv(
                ConditionCode(fields["condition"]), FaultHandlerCode(fields["handler"])
            )
        case "message":
            return MessageToUserTlv(bytes.fromhex(fields["octets"]))
        case "flow_label":
            return FlowLabelTlv(bytes.fromhex(fields["octets"]))


def _fields(pdu):
    match pdu:
        case EofPdu():
            return {
                "pdu": "eof",
                # This version leaves it in the upper bits of its octet.
                "condition": int(pdu.condition_code) >> 4,
                "checksum": pdu.file_checksum.hex(),
                "file_size": pdu.file_size,
                "fault": _fault(pdu),
            }
        case FinishedPdu():
            return {
                "pdu": "finished",
                "condition": int(pdu.condition_code),
                "delivery": int(pdu.delivery_code),
                "file_status": int(pdu.file_status),
                "responses": [_response(it) for it in pdu.file_store_responses],
                "fault": _fault(pdu),
            }
        case AckPdu():
            return {
                "pdu": "ack",
                "of": int(pdu.directive_code_of_acked_pdu),
                "condition": int(pdu.condition_code_of_acked_pdu),
                "status": int(pdu.transaction_status),
            }
        case MetadataPdu():
            return {
                "pdu": "metadata",
                "closure": pdu.closure_requested,
                "checksum_type": int(pdu.checksum_type),
                "file_size": pdu.file_size,
                "source_name": pdu.source_file_name,
                "destination_name": pdu.dest_file_name,
                "options": [_option(it) for it in pdu.options or []],
            }
        case NakPdu():
            return {
                "pdu": "nak",
                "start": pdu.start_of_scope,
                "end": pdu.end_of_scope,
                "requests": [list(it) for it in pdu.segment_requests],
            }
        case PromptPdu():
            return {"pdu": "prompt", "response": int(pdu.response_required)}
        case KeepAlivePdu():
            return {"pdu": "keep_alive", "progress": pdu.progress}
        case FileDataPdu():
            metadata = pdu.segment_metadata
            return {
                "pdu": "file_data",
                "segmentation_control": int(pdu.pdu_header.seg_ctrl),
                "metadata": metadata
                and [int(metadata.record_cont_state), metadata.metadata.hex()],
                "offset": pdu.offset,
                "data": pdu.file_data.hex(),
            }


def decode(octets):
    """Header and fields of one PDU that fills `octets` exactly."""
    octets = bytes.fromhex(octets)
    header = PduHeader.unpack(octets)
    if header.packet_len != len(octets):
        raise ValueError(f"PDU of {header.packet_len} octets in {len(octets)}")
    pdu = PduFactory.from_raw(octets)
    return {"header": _header(pdu), "fields": _fields(pdu)}


def encode(header, fields):
    """The octets of one PDU."""
    config = _config(header, fields.get("segmentation_control", 0))
    match fields["pdu"]:
        case "eof":
            pdu = EofPdu(
                config,
                bytes.fromhex(fields["checksum"]),
                fields["file_size"],
                _location(fields),
                ConditionCode(fields["condition"]),
            )
        case "finished":
            params = FinishedParams(
                delivery_code=DeliveryCode(fields["delivery"]),
                file_status=FileStatus(fields["file_status"]),
                condition_code=ConditionCode(fields["condition"]),
                file_store_responses=[_response_tlv(it) for it in fields["responses"]],
                fault_location=_location(fields),
            )
            pdu = FinishedPdu(config, params)
        case "ack":
            pdu = AckPdu(
                config,
                DirectiveType(fields["of"]),
                ConditionCode(fields["condition"]),
                TransactionStatus(fields["status"]),
            )
        case "metadata":
            params = MetadataParams(
                fields["closure"],
                ChecksumType(fields["checksum_type"]),
                fields["file_size"],
                fields["source_name"],
                fields["destination_name"],
            )
            options = [_option_tlv(it) for it in fields["options"]]
            pdu = MetadataPdu(config, params, options)
        case "nak":
            requests = [tuple(it) for it in fields["requests"]]
            pdu = NakPdu(config, fields["start"], fields["end"], requests)
        case "prompt":
            pdu = PromptPdu(config, ResponseRequired(fields["response"]))
        case "keep_alive":
            pdu = KeepAlivePdu(config, fields["progress"])
        case "file_data":
            metadata = fields["metadata"] and SegmentMetadata(
                RecordContinuationState(fields["metadata"][0]),
                bytes.fromhex(fields["metadata"][1]),
            )
            data = bytes.fromhex(fields["data"])
            pdu = FileDataPdu(config, FileDataParams(data, fields["offset"], metadata))
    return pdu.pack().hex()


def reserved(message, **fields):
    """The octets of a reserved message to the user, without type and length."""
    match message:
        case "put_request":
            params = ProxyPutRequestParams(
                UnsignedByteField(fields["destination"], fields["id_bytes"]),
                CfdpLv.from_str(fields["source_name"]),
                CfdpLv.from_str(fields["destination_name"]),
            )
            built = ProxyPutRequest(params)
        case "put_response":
            params = ProxyPutResponseParams(
                ConditionCode(fields["condition"]),
                DeliveryCode(fields["delivery"]),
                FileStatus(fields["file_status"]),
            )
            built = ProxyPutResponse(params)
        case "put_cancel":
            built = ProxyCancelRequest()
        case "closure_request":
            built = ProxyClosureRequest(fields["requested"])
        case "transmission_mode":
            built = ProxyTransmissionMode(TransmissionMode(fields["mode"]))
        case "originating_transaction":
            source = UnsignedByteField(fields["source"], fields["id_bytes"])
            number = UnsignedByteField(fields["number"], fields["number_bytes"])
            built = OriginatingTransactionId(TransactionId(source, number))
        case "listing_request":
            params = DirectoryParams.from_strs(fields["directory"], fields["file"])
            built = DirectoryListingRequest(params)
        case "listing_response":
            params = DirectoryParams.from_strs(fields["directory"], fields["file"])
            built = DirectoryListingResponse(fields["successful"], params)
    return built.value.hex()


def checksum(checksum_type, octets):
    """The checksum of a file of `octets`."""
    octets = bytes.fromhex(octets)
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "file"
        path.write_bytes(octets)
        value = NativeFilestore().calculate_checksum(
            ChecksumType(checksum_type), path, len(octets)
        )
    return value.hex()


hearing.hold(decode=decode, encode=encode, reserved=reserved, checksum=checksum)
