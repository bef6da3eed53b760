#!/usr/bin/env python3
"""Walks the machine code that deciding can reach: no panic, no allocation, no float, no call whose target is unknown.

It reads what the optimiser left of the released code, so it speaks for this toolchain and target. INVARIANTS I7.
"""

import platform
import re
import subprocess
import sys

sys.dont_write_bytecode = True
from instructions import binary  # noqa: E402

ROOTS = [r"^assize::kernel::prescribe$", r"^assize::kernel::trace$", r"^instructions::four$"]
# Bytes copied, filled and compared, and the division of 128 bits: without panic, by their definition.
LEAVES = re.compile(r"^(mem(cpy|move|set|cmp)|bcmp)(@|$)|compiler_builtins::.*::(memcpy|memmove|memset|memcmp|bcmp)$")
FORBIDDEN = re.compile(
    r"panic|unwrap_failed|expect_failed|slice_\w*fail|_fail\b|unwind|rust_alloc|rust_dealloc|rust_realloc"
    r"|alloc::alloc|handle_alloc|^(malloc|calloc|realloc|free|abort)(@|$)|core::fmt|std::(io|sync|thread)"
)
FLOAT = re.compile(r"^v?(cvt\w+|u?comis[sd]|(add|sub|mul|div|sqrt|min|max|round|fn?m(add|sub)\w*)[sp][sd]|f(i?ld|i?st|add|sub|mul|div)\w*)$")
TRANSFER = re.compile(r"^(?:bnd |notrack )?(?:call|j\w+)q?$")


def without_hash(name):
    return re.sub(r"::h[0-9a-f]{16}$", "", name)


def disassembled(program):
    """For each function its name and instructions, by address."""
    listing = subprocess.run(
        ["objdump", "-d", "-C", "--no-show-raw-insn", program], check=True, stdout=subprocess.PIPE, text=True
    ).stdout
    functions, body = {}, []
    for line in listing.splitlines():
        if head := re.match(r"^([0-9a-f]+) <(.*)>:$", line):
            body = []
            functions[int(head[1], 16)] = (without_hash(head[2]), body)
        elif instruction := re.match(r"^\s+([0-9a-f]+):\s+((?:(?:bnd|notrack|rep|repz|lock) )?\S+)\s*(.*)$", line):
            body.append((int(instruction[1], 16), instruction[2], instruction[3]))
    return functions


def slots_of(program):
    """What the loader puts into the slots that calls of other units go through: an address or a name."""
    listing = subprocess.run(["readelf", "-rW", program], check=True, stdout=subprocess.PIPE, text=True).stdout
    slots = {}
    for slot, kind, value in re.findall(r"^([0-9a-f]+)\s+[0-9a-f]+\s+(R_X86_64_\w+)\s+(.*)$", listing, re.MULTILINE):
        if kind == "R_X86_64_RELATIVE":
            slots[int(slot, 16)] = int(value.strip(), 16)
        else:
            slots[int(slot, 16)] = value.split()[1]
    return slots


class Walk:
    def __init__(self, program):
        self.functions = disassembled(program)
        self.slots = slots_of(program)

    def goes_to(self, target):
        """What is wrong with going there, and the function to read next, if any."""
        name = target if isinstance(target, str) else self.functions.get(target, ("", []))[0]
        if FORBIDDEN.search(name):
            return f"goes to {name}", None
        if LEAVES.search(name):
            return None, None
        if target in self.functions:
            return None, target
        return f"goes to what is no function: {name or hex(target)}", None

    def read(self, start):
        """What is wrong in one function, and the functions that it goes on to or has the address of."""
        _, body = self.functions[start]
        end = body[-1][0] if body else start
        faults, onward, held = [], set(), set()
        for at, (address, mnemonic, operands) in enumerate(body):
            if FLOAT.match(mnemonic) or mnemonic == "ud2":
                faults.append((address, f"{mnemonic} {operands}"))
            targets = []
            transfer, indirect = TRANSFER.match(mnemonic), operands.startswith("*")
            if relative := re.search(r"# ([0-9a-f]+) <", operands):
                place = int(relative[1], 16)
                # An address taken counts as gone to.
                target = self.slots.get(place) if mnemonic.startswith("mov") or indirect else place
                if isinstance(target, str) or target in self.functions:
                    targets.append(target)
                    held.add(operands.rsplit(",")[-1].split()[0])
            elif transfer and not indirect and not start <= int(operands.split()[0], 16) <= end:
                targets.append(int(operands.split()[0], 16))
            if transfer and indirect and not targets and operands[1:] not in held and not is_table(body[:at]):
                faults.append((address, f"target unknown: {mnemonic} {operands}"))
            for fault, next_one in map(self.goes_to, targets):
                faults.extend([(address, fault)] if fault else [])
                onward.update({next_one} if next_one else set())
        return faults, onward


def is_table(before):
    """Whether what comes before loads an offset from a table, as a `match` does."""
    return any(mnemonic.startswith("movslq") for _, mnemonic, _ in before[-6:])


def main():
    if platform.machine() != "x86_64":
        print(f"reads x86-64 alone, not {platform.machine()}")
        return 1
    program = binary()
    walk = Walk(program)
    functions = walk.functions
    roots = [start for start, (name, _) in functions.items() if any(re.search(root, name) for root in ROOTS)]
    names = {functions[root][0] for root in roots}
    missing = [root for root in ROOTS if not any(re.search(root, name) for name in names)]
    if missing:
        print(f"no such function, or it was inlined: {missing}")
        return 1
    failed, seen, left = False, set(), list(roots)
    while left:
        start = left.pop()
        if start in seen:
            continue
        seen.add(start)
        faults, onward = walk.read(start)
        left.extend(onward)
        for address, fault in faults:
            failed = True
            where = ["addr2line", "-e", program, "-i", hex(address)]
            lines = subprocess.run(where, check=True, stdout=subprocess.PIPE, text=True).stdout.split()
            within = " in ".join(line for line in lines if "/rustc/" not in line)
            print(f"FAILED: {functions[start][0]}: {fault}\n    {within}")
    instructions = sum(len(functions[start][1]) for start in seen)
    print(f"{len(seen)} functions, {instructions} instructions are reached from {', '.join(sorted(names))}:")
    print("\n".join(sorted({f"  {functions[start][0]}" for start in seen})))
    print("FAILED" if failed else "ok: no panic, allocation, float or unknown target among them")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
