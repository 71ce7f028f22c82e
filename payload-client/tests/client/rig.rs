//! The controller as it is configured, but for the link service, which takes every file.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use heliograph_tests::ports::free_tcp_port;
use heliograph_tests::wait::eventually;
use payload_client::{Files, Setup};
use payload_controller::Service;
use payload_controller::core::{AppView, Command, Done, FileRecord, RunId, RunRecord};
use payload_controller::files::{Carrier, Standing};
use payload_interface::AppName;
use service_host::config_file::ConfigFile;
use tempfile::TempDir;

/// Long before anything takes so long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
/// Often enough for a test.
pub(crate) const HEALTH: &str = "health = { every-ms = 1000, deadline-ms = 900, misses-max = 3 }";

pub(crate) struct Site {
    pub(crate) folder: TempDir,
    count: u16,
}

pub(crate) fn name(app: &str) -> AppName {
    app.parse().unwrap()
}

pub(crate) fn program(arguments: &[&str], file: &Path) -> ExitCode {
    let arguments = arguments.iter().map(OsString::from);
    payload_controller::run(
        std::iter::once("payload-controller".into())
            .chain(arguments)
            .chain([file.into()]),
    )
}

impl Site {
    pub(crate) fn new() -> Site {
        let folder = TempDir::new().unwrap();
        let at = folder.path().display();
        let (port, plain) = (free_tcp_port(), free_tcp_port());
        let config = format!(
            "[payload-controller]\n\
             journal = '{at}/journal.redb'\n\
             apps-root = '{at}/apps'\n\
             [payload-controller.grpc]\n\
             addr = '127.0.0.1:{port}'\n\
             plain-addr = '127.0.0.1:{plain}'\n\
             credentials = '{at}/credentials'\n\
             [[payload-controller.devices]]\n\
             id = 134\n\
             owner = 'camera'\n"
        );
        fs::write(folder.path().join("config.toml"), config).unwrap();
        Site { folder, count: 0 }
    }

    /// Another app, and the files that the program makes for it.
    pub(crate) fn app(&mut self, app: &str, connection: &str, more: &str) -> Files {
        self.count += 1;
        let (number, port) = (self.count, free_tcp_port());
        let app_table = format!(
            "[[payload-controller.apps]]\n\
             name = '{app}'\n\
             number = {number}\n\
             {more}\n\
             connection = {{ callbacks = '127.0.0.1:{port}', {connection} }}\n"
        );
        self.configure(&app_table);
        let made = program(&["provision", app, "--config"], &self.file());
        assert_eq!(made, ExitCode::SUCCESS);
        Files::folder(&self.folder_of(app))
    }

    /// The configuration says that, too.
    pub(crate) fn configure(&self, more: &str) {
        let config = fs::read_to_string(self.file()).unwrap();
        fs::write(self.file(), config + more).unwrap();
    }

    pub(crate) fn folder_of(&self, app: &str) -> PathBuf {
        self.folder.path().join("credentials/apps").join(app)
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.folder.path().join("config.toml")
    }

    pub(crate) fn outbound(&self, app: &str) -> PathBuf {
        self.folder.path().join("apps").join(app).join("outbound")
    }

    pub(crate) fn start(&self) -> Controller {
        let file = ConfigFile::find(Some(&self.file())).unwrap();
        let outbox = self.folder.path().join("outbox");
        fs::create_dir_all(&outbox).unwrap();
        Controller(Service::start_with(&file, Some(Box::new(Ground(outbox)))).unwrap())
    }
}

/// Has every file at once.
struct Ground(PathBuf);

impl Carrier for Ground {
    fn outbox(&self) -> Result<PathBuf, link_client::LinkError> {
        Ok(self.0.clone())
    }

    fn hand_in(&self, _: &Path, _: &str, _: &FileRecord) -> Result<(), link_client::LinkError> {
        Ok(())
    }

    fn standing(&self, _: &str) -> Result<Option<Standing>, link_client::LinkError> {
        Ok(Some(Standing::Done))
    }
}

pub(crate) struct Controller(pub(crate) Service);

impl Controller {
    #[track_caller]
    pub(crate) fn order(&self, command: Command) -> Done {
        self.0.door.command(command).unwrap().unwrap()
    }

    #[track_caller]
    pub(crate) fn begin(&self, app: &str, sequence: &str) -> RunId {
        let done = self.order(Command::StartSequence {
            app: name(app),
            sequence: sequence.to_owned(),
            params: "exposure=5".to_owned(),
            within: Duration::from_secs(300),
        });
        let Done::Run(run) = done else {
            panic!("{done:?}");
        };
        run
    }

    pub(crate) fn view(&self, app: &str) -> AppView {
        let app = name(app);
        self.0.door.look(move |it| it.app(&app)).unwrap().unwrap()
    }

    /// A run, once it has ended.
    #[track_caller]
    pub(crate) fn ended(&self, app: &str, run: RunId) -> RunRecord {
        eventually(PATIENCE, || {
            let app = name(app);
            let runs = self.0.door.look(move |it| it.runs(&app)).unwrap();
            let run = runs.into_iter().find(|it| it.id == run)?;
            run.state.has_ended().then_some(run)
        })
    }

    #[track_caller]
    pub(crate) fn wait_for_life(&self, app: &str, life: &str) {
        eventually(PATIENCE, || (self.view(app).life == life).then_some(()));
    }
}

/// Some way for a payload to say what it was told.
pub(crate) fn said<T>() -> (Sender<T>, Receiver<T>) {
    channel()
}

/// As it was provisioned, with little patience.
pub(crate) fn hasty(files: &Files) -> Setup {
    let mut setup = Setup::read(files).unwrap();
    setup.patience.call = Duration::from_secs(5);
    setup.patience.result = Duration::from_millis(500);
    setup
}
