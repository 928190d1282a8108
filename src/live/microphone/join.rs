//! Which call a microphone speaks in, and when that call is over.

use std::{collections::BTreeMap, time::Duration};

use tokio::time::sleep;
use tokio_util::sync::{CancellationToken, DropGuard};
use uuid::Uuid;

use super::{Seat, Sorry, Studio};
use crate::{
    call::{CloseCode, StreamInfo},
    ids::{CallSid, StreamSid, Track},
    live::Gateway,
    store::{Call, CallState},
    tasks,
    wire::microphone::{Hello, Role},
};

/// Marks a stream as a microphone's, and says whose.
const MICROPHONE: &str = "microphone";
const CALLER: &str = "caller";
const AGENT: &str = "agent";
/// A page that lost its connection may go on with its call for so long after its end.
const RESUME: Duration = Duration::from_secs(300);
/// How often an agent's call is looked at, and how often nobody else may be on the line: a stream that
/// broke comes back within seconds.
const LOOK: Duration = Duration::from_secs(2);
const LOOKS: u32 = 3;

/// Finds the call and takes the place, or says why not.
pub(super) async fn join(studio: &Studio, hello: &Hello) -> Result<(StreamInfo, Seat), Sorry> {
    let call = match &hello.call {
        Some(sid) => Some(find(studio.gateway(), sid, hello.role).await?),
        None => None,
    };
    let track = match hello.role {
        Role::Caller => Track::Inbound,
        Role::Agent => Track::Outbound,
    };
    let sid: CallSid = match &call {
        Some(call) => call.sid.clone(),
        None => fresh("CB")?,
    };
    let seat = studio.seat(sid.clone(), track, &hello.page)?;
    let info = StreamInfo {
        call_sid: sid,
        stream_sid: fresh::<StreamSid>("MB")?,
        account_sid: None,
        tracks: vec![track],
        parameters: parameters(hello, call.as_ref()),
        may_be_bidirectional: false,
    };
    Ok((info, seat))
}

async fn find(gateway: &Gateway, sid: &CallSid, role: Role) -> Result<Call, Sorry> {
    let found = gateway.store.call(sid).await.map_err(|error| {
        tracing::error!(call = %sid, %error, "a microphone cannot join");
        Sorry::new(CloseCode::ERROR, "the database does not answer")
    })?;
    let refused = |why| Err(Sorry::new(CloseCode::POLICY, why));
    let Some(call) = found else {
        return refused("there is no call of this id");
    };
    let passed = |end| gateway.clock.wall().duration_since(end).unsigned_abs();
    let is_fresh = call.ended_at.is_none_or(|end| passed(end) < RESUME);
    let is_own = call.direction.as_deref() == Some("browser");
    match role {
        Role::Agent if call.state != CallState::Live => refused("that call is over"),
        Role::Caller if !is_own => refused("only an agent may join that call"),
        Role::Caller if !is_fresh => refused("that call is over"),
        _ => Ok(call),
    }
}

fn parameters(hello: &Hello, call: Option<&Call>) -> BTreeMap<String, String> {
    let (role, key) = match hello.role {
        Role::Caller => (CALLER, "inbound_speaker"),
        Role::Agent => (AGENT, "outbound_speaker"),
    };
    let speaker = hello.speaker.clone().unwrap_or_else(|| role.to_owned());
    // Who joins a call speaks its language, where the page does not know better.
    let language = hello
        .language
        .clone()
        .or_else(|| call.and_then(|call| call.language.clone()));
    let mut parameters = BTreeMap::from([
        (MICROPHONE.to_owned(), role.to_owned()),
        (key.to_owned(), speaker),
    ]);
    parameters.extend(language.map(|language| ("language".to_owned(), language)));
    if hello.role == Role::Caller {
        parameters.insert("direction".into(), "browser".into());
    }
    parameters
}

fn fresh<Id: std::str::FromStr>(kind: &str) -> Result<Id, Sorry> {
    let id = format!("{kind}{}", Uuid::new_v4().simple());
    id.parse()
        .map_err(|_| Sorry::new(CloseCode::ERROR, "no id for this stream"))
}

/// Says when the call of an agent is over; stops looking when dropped.
pub(super) struct Over {
    over: CancellationToken,
    _looking: DropGuard,
}

impl Over {
    pub(super) fn token(&self) -> CancellationToken {
        self.over.clone()
    }
}

/// Only an agent's call can end before its microphone does.
pub(super) fn watch(gateway: &Gateway, info: &StreamInfo, role: Role) -> Over {
    let (over, looking) = (CancellationToken::new(), CancellationToken::new());
    if role == Role::Agent {
        let until_gone = look(gateway.clone(), info.call_sid.clone(), over.clone());
        let stopped = looking.clone();
        drop(tasks::spawn("microphone's call", async move {
            tokio::select! {
                () = until_gone => {}
                () = stopped.cancelled() => {}
            }
        }));
    }
    Over {
        over,
        _looking: looking.drop_guard(),
    }
}

async fn look(gateway: Gateway, call: CallSid, over: CancellationToken) {
    let mut alone = 0;
    while alone < LOOKS {
        sleep(LOOK).await;
        // A database that does not answer says nothing about the call.
        let Ok(streams) = gateway.store.streams(&call).await else {
            continue;
        };
        let is_caller_there = streams.iter().any(|stream| {
            let is_agent = stream
                .parameters
                .get(MICROPHONE)
                .is_some_and(|role| role == AGENT);
            stream.closed_at.is_none() && !is_agent
        });
        alone = if is_caller_there { 0 } else { alone + 1 };
    }
    over.cancel();
}
