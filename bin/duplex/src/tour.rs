use clap::Args;
use std::process::ExitCode;
#[derive(Debug, Args)]
pub(crate) struct TourArgs {}
pub(crate) async fn run(_: TourArgs) -> eyre::Result<ExitCode> {
    Ok(ExitCode::SUCCESS)
}
