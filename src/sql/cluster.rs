//! The functions on a Ballista cluster: a scheduler, executors on one machine or many, and sessions
//! that send their queries there.
//!
//! The scheduler and each executor look functions up by name, so all of them have to know ours: they
//! are started with configurations that went through [`scheduler`] and [`executor`]. A query comes
//! from a [`session`]; what is constant in it, the dictionary of a marked column too, travels in
//! its plan.
//!
//! `examples/ballista_cluster.rs` starts such a cluster.

use std::sync::Arc;

use ballista_core::extension::{SessionConfigExt, SessionStateExt};
use ballista_core::registry::BallistaFunctionRegistry;
use ballista_core::utils::default_session_builder;
use ballista_executor::executor_process::ExecutorProcessConfig;
use ballista_scheduler::config::SchedulerConfig;
use datafusion::error::Result;
use datafusion::execution::{FunctionRegistry, SessionState, SessionStateBuilder};
use datafusion::prelude::{SessionConfig, SessionContext};

use super::{aggregate_functions, register, scalar_functions};

/// The configuration of a scheduler that knows the functions. It replaces the builder of sessions.
#[must_use]
pub fn scheduler(config: SchedulerConfig) -> SchedulerConfig {
    config.with_override_session_builder(Arc::new(scheduler_state))
}

fn scheduler_state(config: SessionConfig) -> Result<SessionState> {
    let mut state = default_session_builder(config)?;
    for function in scalar_functions() {
        state.register_udf(function)?;
    }
    for function in aggregate_functions() {
        state.register_udaf(function)?;
    }
    Ok(state)
}

/// The configuration of an executor that knows the functions, beside those of its own registry, or
/// Ballista's if it has none.
#[must_use]
pub fn executor(mut config: ExecutorProcessConfig) -> ExecutorProcessConfig {
    let mut registry = BallistaFunctionRegistry::default();
    if let Some(own) = &config.override_function_registry {
        registry.scalar_functions.clone_from(&own.scalar_functions);
        registry.aggregate_functions.clone_from(&own.aggregate_functions);
        registry.window_functions.clone_from(&own.window_functions);
        registry.higher_order_functions.clone_from(&own.higher_order_functions);
    }
    let scalars = scalar_functions().into_iter();
    registry.scalar_functions.extend(scalars.map(|f| (f.name().to_owned(), f)));
    let aggregates = aggregate_functions().into_iter();
    registry.aggregate_functions.extend(aggregates.map(|f| (f.name().to_owned(), f)));
    config.override_function_registry = Some(Arc::new(registry));
    config
}

/// A session whose queries run on the cluster of the scheduler at `url` (`http://host:port`).
///
/// # Errors
///
/// If the runtime of the session cannot be made. The scheduler is not asked before there is a query.
pub fn session(url: &str, config: SessionConfig) -> Result<SessionContext> {
    let state = SessionStateBuilder::new()
        .with_config(config.upgrade_for_ballista())
        .with_default_features()
        .build()
        .upgrade_for_ballista(url.to_owned())?;
    let ctx = SessionContext::new_with_state(state);
    register(&ctx);
    Ok(ctx)
}
