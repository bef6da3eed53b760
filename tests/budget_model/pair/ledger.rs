//! The naive ledger.

use assize::overrun::Overrun;

/// The oracle: one step after the other, in integers that cannot overflow.
#[derive(Default)]
pub(crate) struct Model {
    pub(crate) accounts: Vec<Account>,
    pub(crate) holds: Vec<ModelHold>,
}

pub(crate) struct Account {
    pub(crate) parent: Option<usize>,
    pub(crate) overrun: Overrun,
    pub(crate) granted: i128,
    pub(crate) available: i128,
    pub(crate) committed: i128,
    pub(crate) unfunded: i128,
    pub(crate) closed: bool,
}

pub(crate) struct ModelHold {
    pub(crate) path: Vec<usize>,
    pub(crate) amount: i128,
    pub(crate) state: State,
}

#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum State {
    Open,
    Expired,
    Ended,
}

impl Model {
    pub(crate) fn chain(&self, account: usize) -> Vec<usize> {
        let mut chain = vec![account];
        while let Some(parent) = self.accounts[chain[chain.len() - 1]].parent {
            chain.push(parent);
        }
        chain
    }

    pub(crate) fn path(&self, named: &[usize]) -> Result<Vec<usize>, &'static str> {
        if named.is_empty() {
            return Err("empty");
        }
        if named.len() > 4 {
            return Err("too many accounts");
        }
        let mut path = vec![];
        for (place, &account) in named.iter().enumerate() {
            if named[..place].contains(&account) {
                return Err("repeated");
            }
            for cell in self.chain(account) {
                if !path.contains(&cell) {
                    path.push(cell);
                }
            }
            if path.len() > 24 {
                return Err("too many cells");
            }
        }
        if path.iter().any(|&cell| self.accounts[cell].closed) { Err("closed") } else { Ok(path) }
    }

    pub(crate) fn least(&self, path: &[usize]) -> i128 {
        path.iter().map(|&cell| self.accounts[cell].available).min().unwrap()
    }

    /// Takes everywhere, or says who binds.
    pub(crate) fn take(&mut self, path: &[usize], amount: i128) -> Result<(), (usize, i128)> {
        let least = self.least(path);
        if amount > 0 && least < amount {
            let binding = path.iter().copied().find(|&cell| self.accounts[cell].available == least).unwrap();
            return Err((binding, least));
        }
        for &cell in path {
            self.accounts[cell].available -= amount;
        }
        Ok(())
    }

    pub(crate) fn reserved(&self, account: usize) -> i128 {
        self.holds
            .iter()
            .filter(|hold| hold.state == State::Open && hold.path.contains(&account))
            .map(|hold| hold.amount)
            .sum()
    }

    /// Extra booked and unfunded.
    pub(crate) fn commit(&mut self, hold: usize, actual: i128) -> (i128, i128) {
        let (path, held) = (self.holds[hold].path.clone(), self.holds[hold].amount);
        let late = self.holds[hold].state == State::Expired;
        self.holds[hold].state = State::Ended;
        let extra = (actual - held).max(0);
        let room = self.room(&path);
        let (booked_extra, unfunded) =
            if late { (0, actual) } else { (extra.min(room), extra - extra.min(room)) };
        for cell in path {
            let account = &mut self.accounts[cell];
            if !late {
                account.committed += held.min(actual) + booked_extra;
                account.available += (held - actual).max(0) - booked_extra;
            }
            account.unfunded = (account.unfunded + unfunded).min(u64::MAX.into());
        }
        (booked_extra, unfunded)
    }

    /// Extra booked and unfunded of a part; the hold keeps the rest.
    pub(crate) fn part_commit(&mut self, hold: usize, part: i128) -> (i128, i128) {
        let (path, held) = (self.holds[hold].path.clone(), self.holds[hold].amount);
        let extra = (part - held).max(0);
        let booked_extra = extra.min(self.room(&path));
        self.holds[hold].amount = (held - part).max(0);
        for cell in path {
            let account = &mut self.accounts[cell];
            account.committed += held.min(part) + booked_extra;
            account.available -= booked_extra;
            account.unfunded = (account.unfunded + extra - booked_extra).min(u64::MAX.into());
        }
        (booked_extra, extra - booked_extra)
    }

    /// Booked and unfunded, or refunded; or the cell that has less booked than is to be given back.
    pub(crate) fn adjust(&mut self, path: &[usize], change: i128) -> Result<(i128, i128, i128), usize> {
        let (extra, refunded) = (change.max(0), (-change).max(0));
        if let Some(&short) = path.iter().find(|&&cell| self.accounts[cell].committed < refunded) {
            return Err(short);
        }
        let booked = extra.min(self.room(path));
        for &cell in path {
            let account = &mut self.accounts[cell];
            account.committed += booked - refunded;
            account.available += refunded - booked;
            account.unfunded = (account.unfunded + extra - booked).min(u64::MAX.into());
        }
        Ok((booked, extra - booked, refunded))
    }

    /// How much may be booked above a hold.
    fn room(&self, path: &[usize]) -> i128 {
        match path.iter().map(|&cell| self.accounts[cell].overrun).min().unwrap() {
            Overrun::Deny => 0,
            Overrun::IfAvailable => self.least(path).max(0),
            Overrun::Debt => self.least(path) + i128::from(i64::MAX),
        }
    }

    pub(crate) fn give_back(&mut self, hold: usize) {
        for cell in self.holds[hold].path.clone() {
            self.accounts[cell].available += self.holds[hold].amount;
        }
    }
}
