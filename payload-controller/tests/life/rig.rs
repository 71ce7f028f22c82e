//! The controller as it is configured, and its payloads.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::process::Command as Program;
use std::sync::OnceLock;

use heliograph_tests::payload::{PATIENCE, Payload, Peer, generate};
use heliograph_tests::ports::free_tcp_port;
use heliograph_tests::wait::eventually;
use payload_controller::Service;
use payload_controller::core::{AppView, Command, Done, RunId, RunState};
use payload_interface::AppName;
use serde_json::json;
use service_host::config_file::ConfigFile;
use tempfile::TempDir;

/// Long before anything is late in a test.
pub(crate) const WITHIN: std::time::Duration = std::time::Duration::from_secs(300);

/// A configuration with apps.
pub(crate) struct Site {
    folder: TempDir,
    config: String,
    count: u16,
}

/// The code that is generated for Python, once for all tests.
fn generated() -> &'static TempDir {
    static GENERATED: OnceLock<TempDir> = OnceLock::new();
    GENERATED.get_or_init(|| {
        let folder = TempDir::new().unwrap();
        generate(folder.path());
        folder
    })
}

pub(crate) fn name(app: &str) -> AppName {
    app.parse().unwrap()
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
        Site {
            folder,
            config,
            count: 0,
        }
    }

    /// Another app, whose connection has that and whose table has that, too. Its files are
    /// made by the program.
    pub(crate) fn app(&mut self, app: &str, connection: &str, more: &str) -> Payload {
        self.count += 1;
        let (number, port) = (self.count, free_tcp_port());
        write!(
            self.config,
            "[[payload-controller.apps]]\n\
             name = '{app}'\n\
             number = {number}\n\
             {more}\n\
             connection = {{ callbacks = '127.0.0.1:{port}', {connection} }}\n"
        )
        .unwrap();
        fs::write(self.file(), &self.config).unwrap();
        let output = Program::new(env!("CARGO_BIN_EXE_payload-controller"))
            .args(["provision", app, "--config"])
            .arg(self.file())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        let folder = self.folder.path().join("credentials/apps").join(app);
        Payload::new(generated().path(), &folder)
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.folder.path().join("config.toml")
    }

    /// Where an app puts files that are to go down.
    pub(crate) fn outbound(&self, app: &str) -> PathBuf {
        self.folder.path().join("apps").join(app).join("outbound")
    }

    pub(crate) fn start(&self) -> Controller {
        let file = ConfigFile::find(Some(&self.file())).unwrap();
        Controller(Service::start(&file).unwrap())
    }
}

/// It runs.
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
            within: WITHIN,
        });
        let Done::Run(run) = done else {
            panic!("{done:?}");
        };
        run
    }

    pub(crate) fn view(&self, app: &str) -> AppView {
        let app = name(app);
        let view = self.0.door.look(move |it| it.app(&app)).unwrap();
        view.unwrap()
    }

    #[track_caller]
    pub(crate) fn wait_for_life(&self, app: &str, life: &str) {
        eventually(PATIENCE, || (self.view(app).life == life).then_some(()));
    }

    #[track_caller]
    pub(crate) fn wait_for_run(&self, app: &str, run: RunId, state: &RunState) {
        let app = name(app);
        eventually(PATIENCE, || {
            let app = app.clone();
            let runs = self.0.door.look(move |it| it.runs(&app)).unwrap();
            let found = runs.into_iter().find(|it| it.id == run)?;
            (found.state == *state).then_some(())
        });
    }
}

/// Registers, and waits for the controller's word that it is taken.
#[track_caller]
pub(crate) fn register(app: &mut Peer) {
    let version = json!({"major": 1, "minor": 1, "patch": 1});
    let fields = json!({"health_check_fail_action": 1, "sdk_version": version});
    assert_eq!(app.call("PC_register", fields), 0);
    let told = app.called("PA_ProcessResponseRegister");
    assert!(told.get("req_status").is_none(), "{told}");
}
