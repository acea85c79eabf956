//! The dictionary of a marked column, put into the query.
//!
//! A column that is marked as frames says which dictionary it needs, by its id; the dictionary's
//! bytes are in the metadata of its table's schema, which a function of the engine never sees. So
//! this rule, which sees the whole plan, adds them to each call that needs them, as the argument
//! that a person would have written. From there on the call is like any other: it can be optimised,
//! and sent to another machine.

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{DFSchema, Result, ScalarValue};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{Expr, ExprSchemable, LogicalPlan};
use datafusion::optimizer::AnalyzerRule;

use super::arguments;
use super::decompress::ZstdDecompress;
use super::error::{failed, refused};
use crate::schema::{self, DICTIONARY_PREFIX};

/// Gives `zstd_decompress` and `try_zstd_decompress` the dictionary of the marked column that they
/// are called with.
#[derive(Debug)]
pub(super) struct MarkedDictionaries;

impl AnalyzerRule for MarkedDictionaries {
    fn name(&self) -> &str {
        "zstd_marked_dictionaries"
    }

    fn analyze(&self, plan: LogicalPlan, _config: &ConfigOptions) -> Result<LogicalPlan> {
        Ok(plan.transform_up_with_subqueries(complete)?.data)
    }
}

/// Completes the calls in one node of the plan.
fn complete(plan: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
    if !has_open_call(&plan)? {
        return Ok(Transformed::no(plan));
    }
    let schema = merge_schema(&plan.inputs());
    let names = NamePreserver::new(&plan);
    let sources = plan.clone();
    plan.map_expressions(|expr| {
        let name = names.save(&expr);
        let expr = expr.transform_up(|expr| complete_call(expr, &schema, &sources))?;
        Ok(expr.update_data(|expr| name.restore(expr)))
    })?
    .map_data(LogicalPlan::recompute_schema)
}

/// The function and its value, if it is one of ours that was called without a dictionary.
fn open_call(expr: &Expr) -> Option<(&'static str, &Expr)> {
    let Expr::ScalarFunction(ScalarFunction { func, args }) = expr else { return None };
    let function = func.inner().downcast_ref::<ZstdDecompress>()?;
    let [value] = args.as_slice() else { return None };
    Some((function.function(), value))
}

fn has_open_call(plan: &LogicalPlan) -> Result<bool> {
    let mut found = false;
    plan.apply_expressions(|expr| {
        found |= expr.exists(|expr| Ok(open_call(expr).is_some()))?;
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(found)
}

fn complete_call(
    mut expr: Expr,
    schema: &DFSchema,
    sources: &LogicalPlan,
) -> Result<Transformed<Expr>> {
    let Some((function, value)) = open_call(&expr) else { return Ok(Transformed::no(expr)) };
    let mark = arguments::mark(function, &value.to_field(schema)?.1)?;
    let Some(id) = mark.and_then(|mark| mark.dictionary_id) else {
        return Ok(Transformed::no(expr));
    };
    let Some(bytes) = find(function, id, sources)? else { return Ok(Transformed::no(expr)) };
    if let Expr::ScalarFunction(call) = &mut expr {
        call.args.push(Expr::Literal(ScalarValue::BinaryView(Some(bytes)), None));
    }
    Ok(Transformed::yes(expr))
}

/// The dictionary with this id in the tables that a node of the plan reads. `None` if no table has
/// one: then the frames that need it say so, if there are any.
fn find(function: &'static str, id: u32, sources: &LogicalPlan) -> Result<Option<Vec<u8>>> {
    let key = format!("{DICTIONARY_PREFIX}{id}");
    let mut found = None;
    let mut several = false;
    sources.apply_with_subqueries(|node| {
        if let LogicalPlan::TableScan(scan) = node
            && let Some(encoded) = scan.source.schema().metadata().get(&key)
        {
            several |= found.as_ref().is_some_and(|other| other != encoded);
            found = Some(encoded.clone());
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    if several {
        let problem = format!(
            "two tables of the query have different dictionaries with the id {id}: give the \
             dictionary as an argument, or decompress in a subquery over one of them"
        );
        return Err(refused(function, problem));
    }
    let Some(encoded) = found else { return Ok(None) };
    let dictionaries = schema::dictionaries(&[(key, encoded)].into()).map_err(failed(function))?;
    Ok(dictionaries.first().map(|dictionary| dictionary.as_bytes().to_vec()))
}
