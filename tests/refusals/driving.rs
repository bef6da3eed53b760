//! Faults of calls that are awaited: nobody drives, or the driver ends.

use std::{cell::RefCell, num::NonZeroI64, sync::Arc, thread};

use assize::{
    controller::{AsyncController, Controller},
    record::Halt,
    retry::Retry::Later,
};
use tokio::runtime::{Builder, Runtime};

use crate::{
    scene::{Scene, call, operation},
    told::{Caused, Row, twice},
};

pub(crate) const ROWS: &[Row] = &[
    ("nobody drives", "Fault::NoDriver", 42, "storage", Some(Later), nobody_drives),
    ("the driver ends", "Fault::DriverEnded", 43, "storage", Some(Later), the_driver_ends),
];

fn runtime() -> Runtime {
    Builder::new_current_thread().build().unwrap()
}

/// Another driver for the same controller, which ends with what this gives.
fn driven_again(controller: &Arc<Controller>) -> AsyncController {
    let (again, driver) = AsyncController::new(Arc::clone(controller)).unwrap();
    thread::spawn(move || driver.run());
    again
}

fn nobody_drives() -> Caused {
    let controller = Arc::new(Scene::new().controller);
    let (awaited, driver) = AsyncController::new(Arc::clone(&controller)).unwrap();
    drop(driver);
    let again = RefCell::new(None);
    twice(
        || runtime().block_on(awaited.halt(Halt::All, call(1))),
        || drop(again.replace(Some(driven_again(&controller)))),
    )
}

fn the_driver_ends() -> Caused {
    let scene = Scene::new();
    let account = scene.account("a", assize::overrun::Overrun::Debt, 1_000);
    let controller = Arc::new(scene.controller);
    let (awaited, driver) = AsyncController::new(Arc::clone(&controller)).unwrap();
    let (driver, again) = (RefCell::new(Some(driver)), RefCell::new(None));
    let caused = twice(
        || {
            let named = call(1).operation(operation(1, 1));
            let granted = awaited.grant(account, NonZeroI64::new(500).unwrap(), named);
            drop(driver.take());
            runtime().block_on(granted)
        },
        || drop(again.replace(Some(driven_again(&controller)))),
    );
    assert_eq!(controller.read(account).unwrap().0.granted_micros, 1_500, "it was done once");
    caused
}
