//! Whether directories and tokens of apps are each its own. Compared as they are written: what
//! a symbolic link leads to is for whoever opens it.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf, absolute};

use super::App;
use crate::settings::Problem;

/// # Errors
/// Whose directory is in another's, whose token is another's, and which of the service's own
/// files an app could write.
pub(super) fn check<'a>(
    apps: impl Iterator<Item = &'a App> + Clone,
    journal: &Path,
) -> Result<(), Problem> {
    let mut roots = BTreeMap::new();
    for app in apps.clone() {
        if let Some(twin) = roots.insert(root_of(app)?, app) {
            return Err(inside(app, twin));
        }
    }
    // What is beneath a path comes right behind it.
    let neighbours = roots.iter().zip(roots.iter().skip(1));
    for ((outer, its), (inner, app)) in neighbours {
        if inner.starts_with(outer) {
            return Err(inside(app, its));
        }
    }
    let mut tokens = BTreeMap::new();
    for app in apps {
        let Some(path) = &app.token_file else {
            continue;
        };
        is_hidden("the token file", path, &roots)?;
        if let Some(one) = tokens.insert(whole(path), &app.id) {
            return Err(Problem::TokenShared {
                one: one.clone(),
                other: app.id.clone(),
            });
        }
    }
    is_hidden("the journal", journal, &roots)
}

/// Whether a file or folder of the service is out of the reach of all these apps.
pub(super) fn check_hidden<'a>(
    apps: impl Iterator<Item = &'a App>,
    what: &'static str,
    path: &Path,
) -> Result<(), Problem> {
    let roots = apps.map(|app| Ok((root_of(app)?, app)));
    let roots: Result<BTreeMap<_, _>, Problem> = roots.collect();
    is_hidden(what, path, &roots?)
}

fn is_hidden(
    what: &'static str,
    path: &Path,
    roots: &BTreeMap<PathBuf, &App>,
) -> Result<(), Problem> {
    let whole = whole(path);
    match whole.ancestors().find_map(|above| roots.get(above)) {
        None => Ok(()),
        Some(app) => Err(Problem::Exposed {
            what,
            path: path.to_owned(),
            app: app.id.clone(),
        }),
    }
}

fn whole(path: &Path) -> PathBuf {
    absolute(path).unwrap_or_else(|_| path.to_owned())
}

fn root_of(app: &App) -> Result<PathBuf, Problem> {
    let refuse = |why| Problem::Root {
        app: app.id.clone(),
        root: app.root.clone(),
        why,
    };
    if app
        .root
        .components()
        .any(|part| part == Component::ParentDir)
    {
        return Err(refuse("has `..` in it: write where it leads"));
    }
    let root = absolute(&app.root).map_err(|_| refuse("is empty: name a directory"))?;
    match root.parent() {
        None => Err(refuse("is the root of the file system: name a directory")),
        Some(_) => Ok(root),
    }
}

fn inside(inner: &App, outer: &App) -> Problem {
    Problem::RootInRoot {
        inner: inner.id.clone(),
        outer: outer.id.clone(),
    }
}
