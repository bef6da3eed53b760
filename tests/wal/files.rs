//! The file system: modes, links, locks, keys and anchors.

use std::{
    fs,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink},
    path::Path,
};

use assize::{
    crypto::{KeyId, RootKey},
    id::{LogId, Sequence},
    wal::{
        Anchor, AnchorError, Blame, CreateError, Level, Log, LogOptions, OpenError, OpenOptions, ReadError,
        ReadOptions, Reader,
        storage::{
            AnchorFileError, Cause, Directory, KeyFileError, Operation, StorageError, read_anchor_file,
            read_key_file, write_anchor_file, write_key_file,
        },
    },
};
use tempfile::TempDir;

use crate::toy::{self, Toy, append_at, key};

fn create(path: &Path) -> Result<Log<Toy>, CreateError<toy::ToyError>> {
    let options = LogOptions { segment_bytes: 2_000, ..LogOptions::default() };
    Log::create(Box::new(Directory::new(path)), toy::create_options(options), Toy::new())
}

fn open(path: &Path) -> Result<Log<Toy>, OpenError<toy::ToyError>> {
    Log::open(Box::new(Directory::new(path)), toy::open_options(), Toy::new()).map(|(log, _)| log)
}

fn records(path: &Path) -> Result<u64, ReadError> {
    let key = key();
    Reader::open(&Directory::new(path), &[&key], ReadOptions::default())?.finish().map(|all| all.records)
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().mode() & 0o777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_log_lives_in_a_directory_of_its_owner() {
    let place = TempDir::new().unwrap();
    let path = place.path().join("log");
    assert_eq!(records(&path), Err(ReadError::Missing));
    assert!(matches!(open(&path), Err(OpenError::Read(ReadError::Missing))));

    let log = create(&path).unwrap();
    append_at(&log, 60, Level::Synced);
    assert!(matches!(open(&path), Err(OpenError::Locked)), "one writer");
    assert_eq!(records(&path), Ok(60), "a reader takes no lock");
    drop(log);
    let log = open(&path).unwrap();
    append_at(&log, 5, Level::Written);
    log.close().unwrap();
    assert_eq!(records(&path), Ok(65));
    assert_eq!(create(&path).map(|_| ()), Err(CreateError::Exists));

    assert_eq!(mode(&path), 0o700);
    let files: Vec<_> = fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(files.len() > 2);
    assert!(files.iter().all(|file| mode(file) == 0o600));
}

#[test]
fn looser_modes_are_for_readers_alone() {
    let place = TempDir::new().unwrap();
    let path = place.path().join("log");
    create(&path).unwrap().close().unwrap();
    let refused = |error: OpenError<_>| match error {
        OpenError::Read(ReadError::Storage(StorageError { cause: Cause::Mode { seen }, .. })) => seen,
        error => panic!("{error}"),
    };
    set_mode(&path, 0o750);
    assert_eq!(refused(open(&path).map(|_| ()).unwrap_err()), 0o750);
    assert_eq!(records(&path), Ok(0));
    set_mode(&path, 0o700);
    set_mode(&path.join("00000001.seg"), 0o640);
    assert_eq!(refused(open(&path).map(|_| ()).unwrap_err()), 0o640);
    assert_eq!(records(&path), Ok(0));
    set_mode(&path.join("00000001.seg"), 0o400);
    assert_eq!(records(&path), Ok(0));

    let loose = place.path().join("loose");
    fs::create_dir(&loose).unwrap();
    set_mode(&loose, 0o755);
    let error = create(&loose).map(|_| ()).unwrap_err();
    assert!(matches!(error, CreateError::Storage(StorageError { cause: Cause::Mode { seen: 0o755 }, .. })));
    set_mode(&loose, 0o700);
    assert!(create(&loose).is_ok(), "an empty directory of its owner is as good as none");
}

#[test]
fn links_and_other_things_are_not_followed() {
    let place = TempDir::new().unwrap();
    let path = place.path().join("log");
    create(&path).unwrap().close().unwrap();
    let link = place.path().join("link");
    symlink(&path, &link).unwrap();
    let not_plain = |error: ReadError| match error {
        ReadError::Storage(StorageError { cause: Cause::NotPlain, .. }) => true,
        error => panic!("{error}"),
    };
    assert!(not_plain(records(&link).unwrap_err()));
    assert!(matches!(open(&link), Err(OpenError::Read(error)) if not_plain(error)));

    let (segment, elsewhere) = (path.join("00000001.seg"), place.path().join("elsewhere"));
    fs::rename(&segment, &elsewhere).unwrap();
    symlink(&elsewhere, &segment).unwrap();
    assert!(not_plain(records(&path).unwrap_err()));
    assert!(matches!(open(&path), Err(OpenError::Read(error)) if not_plain(error)));
    fs::remove_file(&segment).unwrap();
    fs::create_dir(&segment).unwrap();
    assert!(not_plain(records(&path).unwrap_err()));
    fs::remove_dir(&segment).unwrap();
    assert_eq!(records(&path), Err(ReadError::Empty));

    let file = place.path().join("file");
    fs::write(&file, b"").unwrap();
    assert!(not_plain(records(&file).unwrap_err()));
    let error = create(&file).map(|_| ()).unwrap_err();
    assert!(
        matches!(error, CreateError::Storage(StorageError { operation: Operation::Lock, .. })),
        "{error}"
    );
    let error = create(&place.path().join("no/such")).map(|_| ()).unwrap_err();
    assert!(matches!(error, CreateError::Storage(error) if error.is_missing()), "{error}");
}

#[test]
fn a_key_file_is_its_owners_alone() {
    let place = TempDir::new().unwrap();
    let path = place.path().join("key");
    write_key_file(&path, KeyId(7), &[0x42; 32]).unwrap();
    assert_eq!(mode(&path), 0o600);
    assert_eq!(
        fs::read_to_string(&path).unwrap(),
        format!("assize-key-1\nid=7\nsecret={}\n", "42".repeat(32))
    );
    let read = read_key_file(&path).unwrap();
    assert_eq!(read.id(), KeyId(7));
    // The same key: what one wrote, the other verifies.
    let log = place.path().join("log");
    append_at(&create(&log).unwrap(), 3, Level::Synced);
    let keys = [&read];
    let directory = Directory::new(&log);
    assert_eq!(Reader::open(&directory, &keys, ReadOptions::default()).unwrap().finish().unwrap().records, 3);

    let error = write_key_file(&path, KeyId(8), &[1; 32]).unwrap_err();
    assert!(matches!(error, KeyFileError::Storage(StorageError { operation: Operation::Create, .. })));
    assert_eq!((error.blame(), read_key_file(&path).unwrap().id()), (Blame::Caller, KeyId(7)));
    assert!(matches!(
        write_key_file(place.path().join("short"), KeyId(8), &[1; 31]),
        Err(KeyFileError::Key(_))
    ));
    assert!(!place.path().join("short").exists());

    for loose in [0o640, 0o604, 0o620, 0o601] {
        set_mode(&path, loose);
        let error = read_key_file(&path).map(|_| ()).unwrap_err();
        let cause = Cause::Mode { seen: loose };
        assert!(matches!(error, KeyFileError::Storage(seen) if seen.cause == cause), "{error}");
        assert_eq!(error.blame(), Blame::Caller);
    }
    set_mode(&path, 0o400);
    assert!(read_key_file(&path).is_ok());
    let link = place.path().join("link");
    symlink(&path, &link).unwrap();
    let error = read_key_file(&link).map(|_| ()).unwrap_err();
    assert!(matches!(error, KeyFileError::Storage(StorageError { cause: Cause::NotPlain, .. })), "{error}");
    let error = read_key_file(place.path().join("none")).map(|_| ()).unwrap_err();
    assert_eq!(error.blame(), Blame::Storage);

    let row = |name: &str, bytes: &[u8]| {
        let path = place.path().join(name);
        fs::write(&path, bytes).unwrap();
        set_mode(&path, 0o600);
        read_key_file(&path).map(|_| ()).unwrap_err()
    };
    let error = row("large", &[b'x'; 4097]);
    assert!(matches!(
        error,
        KeyFileError::Storage(StorageError { cause: Cause::TooLarge { max: 4096 }, .. })
    ));
    let error = row("text", b"assize-key-1\nid=7\nsecret=00\n");
    assert!(matches!(error, KeyFileError::Text(_)), "{error}");
    assert!(!format!("{error:?}").contains("secret"));
}

#[test]
fn an_anchor_file_is_replaced_whole_and_read_under_its_key() {
    let place = TempDir::new().unwrap();
    let (log, path) = (create(&place.path().join("log")).unwrap(), place.path().join("anchor"));
    let key = key();
    for count in [3, 4] {
        append_at(&log, count, Level::Synced);
        fs::write(place.path().join("anchor.tmp"), b"left by a crash").unwrap();
        write_anchor_file(&path, &log.anchor().unwrap()).unwrap();
        assert!(!place.path().join("anchor.tmp").exists());
        let anchor = read_anchor_file(&path, &[&key]).unwrap();
        assert_eq!(
            (anchor.sequence(), anchor.log_id(), anchor.key_id()),
            (log.head(), toy::LOG_ID, KeyId(7))
        );
        assert_eq!(anchor.encode(), log.anchor().unwrap().encode());
    }
    assert_eq!((mode(&path), fs::metadata(&path).unwrap().len()), (0o600, Anchor::BYTES as u64));
    let anchor = read_anchor_file(&path, &[&key]).unwrap();
    assert_eq!(anchor.log_time().0, toy::START.0 + 21);
    let options = OpenOptions { anchor: Some(anchor), ..toy::open_options() };
    drop(log);
    assert!(Log::open(Box::new(Directory::new(place.path().join("log"))), options, Toy::new()).is_ok());

    let bytes = fs::read(&path).unwrap();
    for bit in 0..bytes.len() * 8 {
        let mut bytes = bytes.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        assert!(Anchor::decode(&bytes, &[&key]).is_err(), "bit {bit}");
    }
    let wrong = RootKey::new(KeyId(7), &[0x43; 32]).unwrap();
    let mut reserved = bytes.clone();
    reserved[11] = 1;
    let mut version = bytes.clone();
    version[8] = 2;
    for (bytes, keys, expected, blame) in [
        (&bytes[..119], &[&key][..], "malformed", Blame::Evidence),
        (&[&bytes[..], &[0]].concat(), &[&key], "malformed", Blame::Evidence),
        (&reserved, &[&key], "malformed", Blame::Evidence),
        (b"assize-key-1\n", &[&key], "none", Blame::Evidence),
        (b"", &[&key], "malformed", Blame::Evidence),
        (&version, &[&key], "version", Blame::Evidence),
        (&bytes, &[&wrong], "tag", Blame::Evidence),
        (&bytes, &[], "key", Blame::Caller),
    ] {
        let error = Anchor::decode(bytes, keys).map(|_| ()).unwrap_err();
        let seen = match error {
            AnchorError::Malformed(_) => "malformed",
            AnchorError::NotAnAnchor => "none",
            AnchorError::Version { seen: 2, mode: 1 } => "version",
            AnchorError::Tag => "tag",
            AnchorError::UnknownKey { id: KeyId(7) } => "key",
            error => panic!("{error}"),
        };
        assert_eq!((seen, error.blame()), (expected, blame));
    }
    fs::write(&path, &bytes[..100]).unwrap();
    let error = read_anchor_file(&path, &[&key]).map(|_| ()).unwrap_err();
    assert!(matches!(error, AnchorFileError::Anchor(AnchorError::Malformed(_))), "{error}");
    let error = read_anchor_file(place.path().join("none"), &[&key]).map(|_| ()).unwrap_err();
    assert!(matches!(error, AnchorFileError::Storage(seen) if seen.is_missing()), "{error}");
    assert_eq!((LogId([0; 16]) == anchor.log_id(), anchor.sequence()), (false, Sequence(7)));
}
