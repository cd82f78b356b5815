//! Golden bytes: the same files are checked from Python.

use std::collections::BTreeSet;
use std::path::Path;

use cift_core::codec::{Reader, Writer, decode_command, decode_event, encode_command, encode_event};
use serde_json::{Map, Value};

use crate::named;

struct Golden {
    kind: String,
    name: String,
    fields: Map<String, Value>,
    bytes: Vec<u8>,
}

fn load(file: &str) -> Vec<Golden> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden").join(file);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let entries: Vec<Value> = serde_json::from_str(&text).expect("a list of entries");
    entries
        .into_iter()
        .map(|entry| Golden {
            kind: entry["kind"].as_str().expect("a kind").to_string(),
            name: entry["name"].as_str().expect("a name").to_string(),
            fields: entry["fields"].as_object().expect("fields").clone(),
            bytes: hex(entry["hex"].as_str().expect("bytes")),
        })
        .collect()
}

fn hex(digits: &str) -> Vec<u8> {
    let digit = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).expect("hexadecimal digits");
    (0..digits.len()).step_by(2).map(digit).collect()
}

#[test]
fn golden_commands_have_their_bytes() {
    let mut kinds = BTreeSet::new();
    for golden in load("commands.json") {
        let what = format!("{}: {}", golden.kind, golden.name);
        let command = decode_command(&golden.bytes).unwrap_or_else(|refusal| panic!("{what}: {refusal:?}"));
        let (kind, fields) = named::command(&command);
        assert_eq!((kind, &fields), (golden.kind.as_str(), &golden.fields), "{what}");
        assert_eq!(fields.keys().collect::<Vec<_>>(), golden.fields.keys().collect::<Vec<_>>(), "{what}");
        let mut writer = Writer::default();
        encode_command(&mut writer, &command);
        assert_eq!(writer.bytes(), golden.bytes, "{what}");
        kinds.insert(golden.kind);
    }
    assert_eq!(kinds.len(), 19, "every command has golden bytes: {kinds:?}");
}

#[test]
fn golden_events_have_their_bytes() {
    let mut kinds = BTreeSet::new();
    for golden in load("events.json") {
        let what = format!("{}: {}", golden.kind, golden.name);
        let mut reader = Reader::new(&golden.bytes);
        let (sequence, event) = decode_event(&mut reader).unwrap_or_else(|error| panic!("{what}: {error:?}"));
        assert_eq!(reader.rest(), b"", "{what}");
        let (kind, mut fields) = named::event(&event);
        fields.shift_insert(0, "sequence".to_string(), sequence.into());
        assert_eq!((kind, &fields), (golden.kind.as_str(), &golden.fields), "{what}");
        assert_eq!(fields.keys().collect::<Vec<_>>(), golden.fields.keys().collect::<Vec<_>>(), "{what}");
        let mut writer = Writer::default();
        encode_event(&mut writer, sequence, &event);
        assert_eq!(writer.bytes(), golden.bytes, "{what}");
        kinds.insert(golden.kind);
    }
    assert_eq!(kinds.len(), 25, "every event has golden bytes: {kinds:?}");
}

/// The library is an independent reader: what we write, it reads as the same values.
#[test]
fn golden_bytes_are_messagepack_to_others() {
    for golden in load("commands.json").into_iter().chain(load("events.json")) {
        if golden.kind == "OpenVenue" || golden.kind == "Batch" {
            continue; // bytes and nested arrays have no plain counterpart in JSON
        }
        let array: Vec<Value> = rmp_serde::from_slice(&golden.bytes).expect("MessagePack");
        let head = if golden.fields.contains_key("sequence") { 1 } else { 2 };
        assert_eq!(array[head..], golden.fields.values().cloned().collect::<Vec<_>>(), "{}", golden.kind);
    }
}
