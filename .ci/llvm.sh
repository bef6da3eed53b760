# Sourced: the newest packaged llvm-cov and llvm-profdata, unless they are named; empty where there are none.
find_newest() { ls /usr/lib/llvm-*/bin/"$1" 2> /dev/null | sort -t- -k2 -n | tail -n 1 || true; }
LLVM_COV="${LLVM_COV:-$(find_newest llvm-cov)}"
LLVM_PROFDATA="${LLVM_PROFDATA:-$(find_newest llvm-profdata)}"
