//! A folder whose files only their owner can open, and files that are replaced as a whole.

use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;
use std::fs::{DirBuilder, File};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;
use zeroize::Zeroizing;

/// The folder, open: whatever happens to its path meanwhile, one step works on one folder.
pub(super) struct Folder<'a> {
    file: File,
    path: &'a Path,
}

impl<'a> Folder<'a> {
    /// Opens the folder, after it was created if it was not there.
    pub(super) fn create(path: &'a Path) -> Result<Self, String> {
        if matches!(std::fs::symlink_metadata(path), Err(error) if error.kind() == std::io::ErrorKind::NotFound) {
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(path)
                .map_err(|error| format!("{} cannot be created: {error}", shown(path)))?;
            // The folder's own entry has to be durable as well; where that cannot be had, the first save says so.
            let _ = path.parent().map(|parent| File::open(parent).and_then(|parent| parent.sync_all()));
        }
        let folder = Self::open(path)?;
        folder.refuse_network()?;
        Ok(folder)
    }

    /// Opens the folder and checks that nobody else can.
    pub(super) fn open(path: &'a Path) -> Result<Self, String> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let opened = rustix::fs::open(path, flags, Mode::empty()).map_err(|errno| {
            let is_link = std::fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink());
            match errno {
                _ if is_link => format!("{} is a symbolic link, which is not followed: name the folder that it leads to", shown(path)),
                Errno::NOTDIR => format!("{} is not a folder: move it away, or name another place", shown(path)),
                Errno::NOENT => format!("{} is not there any more: mkdir -m 700 {}", shown(path), quoted(path)),
                _ => format!("{} cannot be opened: {}", shown(path), words(errno)),
            }
        })?;
        let folder = Self { file: File::from(opened), path };
        let stat = rustix::fs::fstat(&folder.file).map_err(|errno| format!("{} cannot be looked at: {}", shown(path), words(errno)))?;
        check(&stat, path, "700")?;
        Ok(folder)
    }

    /// Refuses the file systems that several hosts mount.
    #[cfg(target_os = "linux")]
    fn refuse_network(&self) -> Result<(), String> {
        /// The magic numbers of statfs(2), for NFS, SMB, CIFS, SMB2, AFS, Coda, Ceph, Lustre, GPFS, 9p (a
        /// virtual machine's folder of its host) and FUSE (sshfs, gcsfuse).
        const NETWORK: [u64; 11] = [
            0x6969,
            0x517b,
            0xff53_4d42,
            0xfe53_4d42,
            0x5346_414f,
            0x7375_7245,
            0x00c3_6400,
            0x0bd0_0bd0,
            0x4750_4653,
            0x0102_1997,
            0x6573_5546,
        ];
        let kind = rustix::fs::fstatfs(&self.file).map_or(0, |found| u64::try_from(found.f_type).unwrap_or(0) & 0xffff_ffff);
        if NETWORK.contains(&kind) {
            return Err(format!(
                "{} is on a network file system, whose locks other hosts do not see: name a local folder, or use a RedisStore",
                shown(self.path)
            ));
        }
        Ok(())
    }

    #[cfg(not(target_os = "linux"))]
    fn refuse_network(&self) -> Result<(), String> {
        Ok(())
    }

    /// The names of the folder's files.
    pub(super) fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.path).into_iter().flatten().flatten();
        entries.filter_map(|entry| entry.file_name().into_string().ok()).collect()
    }

    /// A file's path, as it is shown to a person.
    pub(super) fn place(&self, name: &str) -> String {
        shown(&self.path.join(name))
    }

    /// A file's path, as a shell takes it.
    pub(super) fn quoted(&self, name: &str) -> String {
        quoted(&self.path.join(name))
    }

    /// Opens a file and checks that nobody else can; `None` if it is not there.
    pub(super) fn open_file(&self, name: &str, flags: OFlags) -> Result<Option<File>, String> {
        // Without NONBLOCK, a pipe that somebody put there would never open.
        let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let path = self.path.join(name);
        let file = match rustix::fs::openat(&self.file, name, flags, Mode::RUSR | Mode::WUSR) {
            Ok(file) => File::from(file),
            Err(Errno::NOENT) => return Ok(None),
            Err(Errno::LOOP | Errno::MLINK) => {
                return Err(format!("{} is a symbolic link, which is not followed: put the file itself there", shown(&path)));
            }
            Err(errno) => return Err(format!("{} cannot be opened: {}", shown(&path), words(errno))),
        };
        let stat = self.stat(&file, name)?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err(format!("{} is not a file: rm -r {}", shown(&path), quoted(&path)));
        }
        check(&stat, &path, "600")?;
        Ok(Some(file))
    }

    /// Opens a file to write, after it was created if it was not there.
    pub(super) fn open_or_create(&self, name: &str) -> Result<File, String> {
        let opened = self.open_file(name, OFlags::RDWR | OFlags::CREATE)?;
        opened.ok_or_else(|| format!("{} cannot be created: the folder was removed", self.place(name)))
    }

    /// Whether a path of the folder still leads to this open file.
    pub(super) fn is_still(&self, name: &str, file: &File) -> bool {
        let there = rustix::fs::statat(&self.file, name, AtFlags::SYMLINK_NOFOLLOW);
        let here = rustix::fs::fstat(file);
        matches!((there, here), (Ok(there), Ok(here)) if there.st_ino == here.st_ino && there.st_dev == here.st_dev)
    }

    pub(super) fn stat(&self, file: &File, name: &str) -> Result<Stat, String> {
        rustix::fs::fstat(file).map_err(|errno| format!("{} cannot be looked at: {}", self.place(name), words(errno)))
    }

    /// The whole content of a file; `None` if it is not there.
    pub(super) fn read(&self, name: &str, limit: usize) -> Result<Option<Zeroizing<Vec<u8>>>, String> {
        let Some(file) = self.open_file(name, OFlags::RDONLY)? else { return Ok(None) };
        let length = usize::try_from(self.stat(&file, name)?.st_size).unwrap_or(usize::MAX);
        if length > limit {
            return Err(format!("{} is longer than {limit} bytes: move it away, ledgerauth did not write it", self.place(name)));
        }
        // Room for everything at once: a growing buffer leaves copies of the tokens behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(length + 1));
        let limit = u64::try_from(limit).unwrap_or(u64::MAX);
        file.take(limit).read_to_end(&mut bytes).map_err(|error| format!("{} cannot be read: {error}", self.place(name)))?;
        Ok(Some(bytes))
    }

    /// Replaces a file as a whole, durably, by way of another name in the same folder; the caller sees to it that only one at a time does.
    pub(super) fn replace(&self, name: &str, by_way_of: &str, bytes: &[u8]) -> Result<(), String> {
        self.remove(by_way_of);
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL;
        let opened = self.open_file(by_way_of, flags)?;
        let mut file = opened.ok_or_else(|| format!("{} cannot be created: the folder was removed", self.place(by_way_of)))?;
        let written = file.write_all(bytes).and_then(|()| file.sync_all()).map_err(|error| self.not_written(name, &error));
        written.and_then(|()| self.rename(name, by_way_of)).inspect_err(|_| self.remove(by_way_of))
    }

    /// Ends a replacement whose writer was killed before it had renamed the file.
    pub(super) fn finish(&self, name: &str, by_way_of: &str) -> Result<(), String> {
        if let Some(file) = self.open_file(by_way_of, OFlags::RDWR)? {
            file.sync_all().map_err(|error| self.not_written(name, &error))?;
        }
        self.rename(name, by_way_of)
    }

    fn rename(&self, name: &str, by_way_of: &str) -> Result<(), String> {
        rustix::fs::renameat(&self.file, by_way_of, &self.file, name).map_err(|errno| self.not_written(name, &errno.into()))?;
        self.file.sync_all().map_err(|error| self.not_written(name, &error))
    }

    fn not_written(&self, name: &str, error: &std::io::Error) -> String {
        let reason = error.raw_os_error().map_or_else(|| error.to_string(), |code| words(Errno::from_raw_os_error(code)));
        format!("{} cannot be written: {reason}", self.place(name))
    }

    /// Removes a file, if it is there.
    pub(super) fn remove(&self, name: &str) {
        // One that cannot be removed is met again by whoever opens it, and named there.
        let _ = rustix::fs::unlinkat(&self.file, name, AtFlags::empty());
    }
}

/// Checks that a folder or file belongs to whoever runs the program, and that nobody else may open it.
fn check(stat: &Stat, path: &Path, mode: &str) -> Result<(), String> {
    let me = rustix::process::geteuid().as_raw();
    if stat.st_uid != me {
        return Err(format!(
            "{} belongs to user {} and not to user {me}, who runs this: chown {me} {}",
            shown(path),
            stat.st_uid,
            quoted(path)
        ));
    }
    let open_to_others = stat.st_mode & 0o077;
    if open_to_others != 0 {
        let found = stat.st_mode & 0o7777;
        return Err(format!("{} can be opened by others than its owner (mode {found:04o}): chmod {mode} {}", shown(path), quoted(path)));
    }
    Ok(())
}

/// A path in words for a person. Of a file that the store made, the hash in its name is no secret, though it
/// looks like one.
fn shown(path: &Path) -> String {
    let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    match (path.parent(), super::super::name::readable(&name)) {
        (Some(folder), Some(readable)) if crate::quoted::path(Path::new(readable)) == readable => {
            format!("{}/{name}", crate::quoted::path(folder))
        }
        _ => crate::quoted::path(path),
    }
}

/// A path as one word of a shell.
fn quoted(path: &Path) -> String {
    format!("'{}'", shown(path).replace('\'', r"'\''"))
}

/// What an error of the system's means, with the remedy where there is one.
fn words(errno: Errno) -> String {
    match errno {
        Errno::NOSPC | Errno::DQUOT => "no space is left there: free some".into(),
        Errno::FBIG => "a limit on the size of files was met: raise it (ulimit -f)".into(),
        Errno::ROFS => "the file system is read-only: mount it for writing".into(),
        Errno::ACCESS | Errno::PERM => "permission was denied: give this user the right to the folder and all above it".into(),
        Errno::MFILE | Errno::NFILE => "too many files are open: raise the limit (ulimit -n)".into(),
        Errno::NOENT => "the folder was removed: create it again".into(),
        Errno::IO => "the device reports an error: look at the system's log".into(),
        _ => std::io::Error::from(errno).to_string(),
    }
}
