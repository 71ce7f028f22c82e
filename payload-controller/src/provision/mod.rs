//! Certificates, cookies and the files of an app.
