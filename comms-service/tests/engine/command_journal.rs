//! Mutations are on the disk before they run, and known after a restart.

use std::time::Duration;

use comms_service::accounting::DropReason;
use comms_service::link::{
    CommandMemoryConfig, JournalEntry, LinkConfig, RecordId, RecordedCommand,
};
use comms_service::message::{End, PayloadType};

use crate::command_memory::{MUTATION, PORT, QUERY, Satellite};
use crate::rig::{Socket, dropped, failure, head, satellite_config};

fn recording_with(config: LinkConfig) -> Satellite {
    let config = LinkConfig {
        records_commands: true,
        ..config
    };
    Satellite::new(CommandMemoryConfig::default(), config)
}

fn recording() -> Satellite {
    recording_with(satellite_config())
}

/// The oldest entry, which must begin a command.
fn started(satellite: &mut Satellite) -> (RecordId, RecordedCommand) {
    match satellite.rig.journal.pop_front() {
        Some(JournalEntry::Started { record, command }) => (record, command),
        other => panic!("{other:?}"),
    }
}

/// The disk took the oldest command, or did not.
fn written(satellite: &mut Satellite, result: Result<(), &str>) -> RecordedCommand {
    let (record, command) = started(satellite);
    let result = result.map_err(str::to_string);
    satellite.rig.on(End::Satellite, |link, now| {
        link.handle_recorded(now, record, result);
    });
    command
}

#[test]
fn a_mutation_runs_once_it_is_on_the_disk() {
    let mut satellite = recording();
    satellite.asked(7, MUTATION);
    satellite.asked(7, MUTATION);
    assert_eq!(satellite.rig.posts.len(), 0);
    assert_eq!(satellite.rig.satellite().messages_in.queued, 1);
    let command = written(&mut satellite, Ok(()));
    assert_eq!((command.key.command_id, command.key.port), (7, PORT));
    assert!(!command.finished);
    assert_eq!(satellite.rig.posts.len(), 1);
    assert_eq!(satellite.rig.journal, []);
    satellite.rig.service_answers(b"fired");
    assert_eq!(satellite.answers(), [b"fired"]);
    assert_eq!(satellite.rig.journal, [JournalEntry::Finished(command.key)]);
    satellite.dropped_for(DropReason::CommandJoined, 1);
}

#[test]
fn a_query_waits_for_no_disk() {
    let mut satellite = recording();
    satellite.asked(7, QUERY);
    assert_eq!(satellite.rig.posts.len(), 1);
    satellite.rig.service_answers(b"pong");
    assert_eq!(satellite.rig.journal, []);
}

#[test]
fn a_datagram_with_an_id_is_recorded_and_one_without_is_not() {
    let mut satellite = recording();
    satellite.hears(head(PayloadType::Udp, 0, 8000), b"go");
    assert_eq!(satellite.rig.datagrams.len(), 1);
    satellite.hears(head(PayloadType::Udp, 7, 8000), b"go");
    assert_eq!(satellite.rig.datagrams.len(), 1);
    let command = written(&mut satellite, Ok(()));
    assert_eq!(satellite.rig.datagrams.len(), 2);
    assert_eq!(satellite.rig.journal, [JournalEntry::Finished(command.key)]);
}

#[test]
fn a_mutation_that_cannot_be_recorded_is_refused_and_may_come_again() {
    let mut satellite = recording();
    satellite.asked(7, MUTATION);
    let command = written(&mut satellite, Err("no space left"));
    satellite.refuses(DropReason::StorageFailed);
    satellite.dropped_for(DropReason::StorageFailed, 1);
    assert_eq!(satellite.rig.posts.len(), 0);
    let forgotten = JournalEntry::Forgotten(command.key);
    assert_eq!(satellite.rig.journal.pop_front(), Some(forgotten));
    satellite.asked(7, MUTATION);
    written(&mut satellite, Ok(()));
    satellite.rig.service_answers(b"fired");
    assert_eq!(satellite.answers(), [b"fired"]);
}

#[test]
fn a_recorded_mutation_that_never_reached_its_service_is_taken_from_the_journal() {
    let mut satellite = recording();
    satellite.asked(7, MUTATION);
    let command = written(&mut satellite, Ok(()));
    satellite
        .rig
        .service_fails(DropReason::ServiceUnreachable, "8020 is not there");
    assert_eq!(
        satellite.rig.journal,
        [JournalEntry::Forgotten(command.key)]
    );

    let mut satellite = recording();
    satellite.rig.socket = Socket::Refuses(failure(DropReason::SocketBusy, "busy"));
    satellite.hears(head(PayloadType::Udp, 7, 8000), b"go");
    let command = written(&mut satellite, Ok(()));
    let entries = [
        JournalEntry::Finished(command.key),
        JournalEntry::Forgotten(command.key),
    ];
    assert_eq!(satellite.rig.journal, entries);
}

#[test]
fn a_recorded_mutation_of_unknown_outcome_stays_started() {
    let mut satellite = recording();
    satellite.asked(7, MUTATION);
    written(&mut satellite, Ok(()));
    satellite
        .rig
        .service_fails(DropReason::ServiceTimeout, "no answer of 8020");
    assert_eq!(satellite.rig.journal, []);
}

#[test]
fn a_mutation_that_no_handler_would_take_is_not_recorded() {
    let mut satellite = recording_with(LinkConfig {
        handlers_max: 1,
        handler_queue_messages_max: 1,
        ..satellite_config()
    });
    satellite.asked(1, QUERY);
    satellite.asked(2, MUTATION);
    satellite.asked(3, MUTATION);
    satellite.refuses(DropReason::HandlersBusy);
    written(&mut satellite, Ok(()));
    assert_eq!(satellite.rig.journal, []);
    satellite.rig.service_answers(b"one");
    satellite.rig.service_answers(b"two");
    assert_eq!(satellite.answers(), [b"one", b"two"]);
}

fn restarted(finished: bool, payload_type: PayloadType) -> Satellite {
    let mut before = recording();
    before.hears(head(payload_type, 7, PORT), MUTATION);
    let (_, command) = started(&mut before);
    let mut satellite = recording();
    satellite.rig.on(End::Satellite, |link, now| {
        link.restore_command(
            now,
            RecordedCommand {
                finished,
                ..command
            },
        );
    });
    satellite
}

#[test]
fn after_a_restart_a_started_mutation_is_answered_outcome_unknown_and_not_run() {
    let mut satellite = restarted(false, PayloadType::GraphQl);
    for _ in 0..2 {
        satellite.asked(7, MUTATION);
        satellite.refuses(DropReason::OutcomeUnknown);
    }
    satellite.asked(7, b"mutation { other }");
    satellite.refuses(DropReason::CommandIdReused);
    assert_eq!(
        (satellite.rig.posts.len(), satellite.rig.journal.len()),
        (0, 0)
    );
    satellite.asked(8, MUTATION);
    written(&mut satellite, Ok(()));
    assert_eq!(satellite.rig.posts.len(), 1);
}

#[test]
fn after_a_restart_a_finished_mutation_is_answered_not_kept_and_not_run() {
    let mut satellite = restarted(true, PayloadType::GraphQl);
    satellite.asked(7, MUTATION);
    satellite.refuses(DropReason::AnswerNotKept);
    assert_eq!(satellite.rig.posts.len(), 0);
}

#[test]
fn after_a_restart_a_datagram_that_was_sent_is_not_sent_again() {
    let mut satellite = restarted(false, PayloadType::Udp);
    satellite.hears(head(PayloadType::Udp, 7, PORT), MUTATION);
    satellite.dropped_for(DropReason::DuplicateCommand, 1);
    assert_eq!(satellite.rig.datagrams.len(), 0);
}

#[test]
fn a_command_that_waits_for_the_disk_is_counted_when_the_service_stops() {
    let mut satellite = recording();
    satellite.asked(7, MUTATION);
    satellite
        .rig
        .on(End::Satellite, |link, _| link.handle_shutdown());
    satellite.dropped_for(DropReason::Shutdown, 1);
    written(&mut satellite, Ok(()));
    assert_eq!(satellite.rig.posts.len(), 0);
    satellite.rig.pass(Duration::from_secs(1));
    satellite.rig.assert_idle();
}

#[test]
fn a_damaged_state_file_is_counted_and_told() {
    let mut satellite = recording();
    satellite.rig.on(End::Satellite, |link, _| {
        link.handle_damaged_state("commands.redb was damaged".to_string());
    });
    let statistics = satellite.rig.satellite();
    assert_eq!(statistics.state_files_damaged, 1);
    assert_eq!(statistics.errors, ["commands.redb was damaged"]);
    assert_eq!(dropped(&statistics.messages_in), []);
}
