//! Frames, their bounds, and what stays as it was when one is refused.

use cift_core::codec::{Reader, Writer, decode_event, encode_command};
use cift_core::command::Command;
use cift_core::event::Event;
use cift_core::frame::{FRAME_COMMANDS_MAX, FrameError, Parts};
use cift_core::journal::{Runner, chain_hash};
use cift_core::reason::Reason;
use cift_core::{Config, ENGINE_VERSION};

use crate::arbitrary::frame;

fn encoded(command: &Command<'_>) -> Vec<u8> {
    let mut writer = Writer::default();
    encode_command(&mut writer, command);
    writer.into_bytes()
}

fn open_venue() -> Vec<u8> {
    frame([encoded(&Command::OpenVenue { hash_key: [7; 16] })])
}

/// Apply one command's bytes to an empty engine and give its first event's refusal.
fn refusal(command: &[u8]) -> (Reason, u8) {
    let mut runner = Runner::new(Config::default());
    let applied = runner.apply(&frame([command]), 1, 1).expect("a good frame");
    let section = Parts::new(&applied.events).next().expect("a section").expect("a whole one");
    match decode_event(&mut Reader::new(section)).expect("an event").1 {
        Event::CommandRejected { reason, kind, .. } => (reason, kind),
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
fn a_refused_frame_changes_nothing() {
    let mut runner = Runner::new(Config::default());
    runner.apply(&open_venue(), 1, 1_000).expect("a good frame");
    let before = runner.snapshot();
    let epoch = encoded(&Command::OpenEpoch { epoch: 1 });
    let good = frame([&epoch]);
    let truncated = &good[..good.len() - 1];
    let long = frame([&epoch, &vec![0; 65_537]]);
    let many = frame(vec![&epoch; FRAME_COMMANDS_MAX + 1]);
    for (bytes, number, at, error) in [
        (&good[..], 3, 1_000, FrameError::Number { expected: 2, given: 3 }),
        (&good[..], 1, 1_000, FrameError::Number { expected: 2, given: 1 }),
        (&good[..], 2, 999, FrameError::At { previous: 1_000, given: 999 }),
        (&good[..], 2, 1 << 63, FrameError::At { previous: 1_000, given: 1 << 63 }),
        (&[][..], 2, 1_000, FrameError::Empty),
        (truncated, 2, 1_000, FrameError::Truncated),
        (&good[..3], 2, 1_000, FrameError::Truncated),
        (&long[..], 2, 1_000, FrameError::CommandTooLong),
        (&many[..], 2, 1_000, FrameError::TooManyCommands),
    ] {
        assert_eq!(runner.apply(bytes, number, at).expect_err("refused"), error);
        assert_eq!(runner.snapshot(), before, "{error}");
    }
    runner.apply(&good, 2, 1_000).expect("the next frame goes on as if nothing had been");
}

#[test]
fn the_bounds_themselves_are_allowed() {
    let mut runner = Runner::new(Config::default());
    let epoch = encoded(&Command::OpenEpoch { epoch: 1 });
    let applied = runner.apply(&frame(vec![&epoch; FRAME_COMMANDS_MAX]), 1, 1).expect("1,000 commands");
    assert_eq!(applied.count, FRAME_COMMANDS_MAX);
    let applied = runner.apply(&frame([vec![0xc1; 65_536]]), 2, i64::MAX.unsigned_abs()).expect("a long command");
    assert_eq!((applied.count, applied.at), (1, i64::MAX.unsigned_abs()));
}

#[test]
fn what_is_no_command_is_told_apart() {
    let malformed = (Reason::Malformed, 0);
    assert_eq!(refusal(&[]), malformed, "nothing");
    assert_eq!(refusal(&[0xc1]), malformed, "a byte that is never used");
    assert_eq!(refusal(&[0x90]), malformed, "an empty array");
    assert_eq!(refusal(&[0x91, 0x02]), (Reason::Malformed, 2), "no version");
    assert_eq!(refusal(&[0x92, 0x63, 0x01]), malformed, "an unknown kind");
    assert_eq!(refusal(&[0x93, 0xcd, 0x01, 0x02, 0x01, 0x01]), malformed, "a kind past 8 bits");
    assert_eq!(refusal(&[0x93, 0x02, 0x02, 0x01]), (Reason::UnsupportedVersion, 2), "a later version");
    assert_eq!(refusal(&[0x93, 0x63, 0x02, 0x01]), (Reason::UnsupportedVersion, 0), "unknown, of a later version");
    assert_eq!(refusal(&[0x93, 0x02, 0xff, 0x01]), (Reason::Malformed, 2), "a negative version");
    assert_eq!(refusal(&[0x92, 0x02, 0x01]), (Reason::Malformed, 2), "a field is missing");
    assert_eq!(refusal(&[0x94, 0x02, 0x01, 0x01, 0x01]), (Reason::Malformed, 2), "a field too many");
    assert_eq!(refusal(&[0x93, 0x02, 0x01, 0x01, 0x00]), (Reason::Malformed, 2), "a trailing byte");
    assert_eq!(refusal(&[0x93, 0x02, 0x01, 0xa1]), (Reason::Malformed, 2), "cut short");
    assert_eq!(refusal(&[0xdd, 0xff, 0xff, 0xff, 0xff, 0x02]), malformed, "an array longer than its bytes");
}

#[test]
fn ids_are_bounded_and_printable() {
    let open = |id: &[u8]| {
        let mut writer = Writer::default();
        writer.array(6);
        writer.unsigned(20);
        writer.unsigned(1);
        let text = [&[0xd9, u8::try_from(id.len()).expect("short")], id].concat();
        writer.raw(&text);
        for _ in 0..3 {
            writer.unsigned(0);
        }
        refusal(writer.bytes())
    };
    assert_eq!(open(b""), (Reason::IdInvalid, 20));
    assert_eq!(open(&[b'a'; 65]), (Reason::IdInvalid, 20));
    assert_eq!(open(b"a\nb"), (Reason::IdInvalid, 20));
    assert_eq!(open(b"a\x7f"), (Reason::IdInvalid, 20));
    assert_eq!(open("a\u{85}".as_bytes()), (Reason::IdInvalid, 20), "a control character beyond ASCII");
    assert_eq!(open(b"\xff\xfe"), (Reason::Malformed, 20), "no UTF-8");
    assert_eq!(open(&[b'a'; 64]).0, Reason::VenueNotOpen, "64 bytes are fine");
    assert_eq!(open("Ü".as_bytes()).0, Reason::VenueNotOpen);
}

#[test]
fn a_batch_past_its_bound_is_refused() {
    let cancel = [0x96, 12, 1, 3, 0, 1, 0xa0];
    let batch = |count: u16, member: &[u8]| {
        let mut writer = Writer::default();
        writer.array(7);
        for value in [14, 1, 3] {
            writer.unsigned(value);
        }
        writer.str("");
        writer.unsigned(0);
        writer.bool(false);
        writer.array(count.into());
        for _ in 0..count {
            writer.raw(member);
        }
        refusal(writer.bytes())
    };
    assert_eq!(batch(101, &cancel), (Reason::BatchTooLarge, 14));
    assert_eq!(batch(1, &[0x93, 2, 1, 1]), (Reason::Malformed, 14), "a command that is no member");
    assert_eq!(
        batch(1, &[0x96, 12, 2, 3, 0, 1, 0xa0]),
        (Reason::UnsupportedVersion, 14),
        "a member of a later version"
    );
    assert_eq!(batch(100, &cancel).0, Reason::VenueNotOpen);
}

#[test]
fn the_chain_binds_everything() {
    let mut runner = Runner::new(Config::default());
    let commands = open_venue();
    let applied = runner.apply(&commands, 1, 77).expect("a good frame");
    let chain = |previous: u8, number, at, version, commands: &[u8], events: &[u8]| {
        chain_hash(&[previous; 32], number, at, version, commands, events)
    };
    assert_eq!(applied.chain, chain(0, 1, 77, ENGINE_VERSION, &commands, &applied.events));
    assert_eq!(runner.chain(), applied.chain);
    let moved = [&commands[..], &applied.events[..1]].concat();
    for other in [
        chain(1, 1, 77, ENGINE_VERSION, &commands, &applied.events),
        chain(0, 2, 77, ENGINE_VERSION, &commands, &applied.events),
        chain(0, 1, 78, ENGINE_VERSION, &commands, &applied.events),
        chain(0, 1, 77, ENGINE_VERSION + 1, &commands, &applied.events),
        chain(0, 1, 77, ENGINE_VERSION, &moved, &applied.events[1..]),
        chain(0, 1, 77, ENGINE_VERSION, &commands, &applied.events[1..]),
    ] {
        assert_ne!(applied.chain, other);
    }
}

#[test]
fn queries_are_answered_or_refused() {
    let mut runner = Runner::new(Config::default());
    runner.apply(&open_venue(), 1, 1).expect("a good frame");
    for good in
        [&[0x91, 5][..], &[0x92, 3, 1], &[0x92, 4, 1], &[0x92, 6, 1], &[0x93, 1, 1, 0xa1, b'x'], &[0x93, 2, 1, 0]]
    {
        runner.query(good).unwrap_or_else(|error| panic!("{good:?}: {error}"));
    }
    for bad in [&[][..], &[0x90], &[0x91, 9], &[0x92, 5, 1], &[0x91, 5, 0], &[0x92, 3, 0xa0], &[0xc1]] {
        assert_eq!(runner.query(bad), Err(FrameError::Query), "{bad:?}");
    }
}
