//! The connection between the server and its open pages: one WebSocket a page, `/-/live`.
//! The server's [`State`] goes in, JSON messages with a `type` come out; `live.js` acts on them in the page.

use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{FromRequestParts, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use tokio::sync::watch;

use super::guard::{self, OwnPage};
use super::{Shared, State as Shown};

/// The longest message a page may send, in bytes.
const LONGEST_MESSAGE: usize = 64 * 1024;

/// What the server tells a page.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum ToPage<'a> {
    /// The state of the book: sent at once and after every change.
    Book {
        /// A page that was loaded with another version is out of date.
        version: &'a str,
        /// Why the present source cannot be built, a line a problem; empty if it can.
        problems: &'a [String],
    },
}

/// The script in every served page.
pub async fn script() -> Response {
    let script = [(header::CONTENT_TYPE, "text/javascript; charset=utf-8")];
    (script, include_str!("live.js")).into_response()
}

/// `/-/live`: opens the WebSocket for our own pages and for nobody else.
pub async fn connect(State(shared): State<Shared>, request: Request) -> Response {
    let Some(page) = shared.own.own_page(request.headers(), request.uri()) else {
        return guard::refusal(
            StatusCode::FORBIDDEN,
            "Hier sprechen nur die Seiten des Buchs.\n",
        );
    };
    let (mut parts, _) = request.into_parts();
    match WebSocketUpgrade::from_request_parts(&mut parts, &shared).await {
        Ok(handshake) => upgrade(page, handshake, shared.state),
        Err(_) => guard::refusal(
            StatusCode::UPGRADE_REQUIRED,
            "Hier wird nur WebSocket gesprochen.\n",
        ),
    }
}

/// The only place that turns a request into a WebSocket; without the proof it cannot be called.
fn upgrade(
    _page: OwnPage,
    handshake: WebSocketUpgrade,
    state: watch::Receiver<Shown>,
) -> Response {
    handshake
        .max_message_size(LONGEST_MESSAGE)
        .max_frame_size(LONGEST_MESSAGE)
        .on_upgrade(move |socket| attend(socket, state))
}

/// Serves one page until it leaves.
async fn attend(mut socket: WebSocket, mut state: watch::Receiver<Shown>) {
    state.mark_changed();
    loop {
        tokio::select! {
            changed = state.changed() => {
                let message = if changed.is_ok() { tell(&state.borrow_and_update()) } else { None };
                let Some(message) = message else { return };
                if socket.send(message).await.is_err() {
                    return;
                }
            }
            received = socket.recv() => match received {
                // A page has nothing to say yet; pings are answered by axum.
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return,
            }
        }
    }
}

/// The message about the book.
fn tell(shown: &Shown) -> Option<Message> {
    let message = ToPage::Book {
        version: &shown.book.version,
        problems: &shown.problems,
    };
    serde_json::to_string(&message).ok().map(Message::text)
}
