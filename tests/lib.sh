# What test scripts share; sourced. Counts in passed and failed.
passed=0 failed=0

is() { # is NAME GOT WANT
    if [ "$2" == "$3" ]; then
        passed=$((passed + 1))
        echo "ok      ${platform:+$platform }$1"
    else
        failed=$((failed + 1))
        echo "FAILED  ${platform:+$platform }$1: got '$2', want '$3'"
    fi
}

report() { # report NAME STATUS DETAILS, or the file that has them
    if [ "$2" -eq 0 ]; then
        passed=$((passed + 1))
        echo "ok      $1"
    else
        failed=$((failed + 1))
        echo "FAILED  $1: $([ -f "$3" ] && head -c 500 "$3" || echo "$3")"
    fi
}

await() { # await FILE TEXT: until it is there
    for _ in $(seq 400); do
        grep -q "$2" "$1" 2>/dev/null && return 0
        sleep 0.05
    done
    return 1
}
