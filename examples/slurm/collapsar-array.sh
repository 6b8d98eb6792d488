#!/bin/bash
# A job array that compresses the files of a plan, each element its share of them:
#
#   collapsar batch plan /raw/2026 --output-dir /z -o plan.jsonl
#   sbatch --array=0-499 collapsar-array.sh plan.jsonl
#
# Give an element work for minutes, not for a second: Slurm starts about one a second. Elements that were killed, requeued or ran out of
# time lose the file at hand; submit the array again, with any number of elements, until `collapsar batch status plan.jsonl` misses none.
#SBATCH --job-name=collapsar
#SBATCH --array=0-39
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=1
#SBATCH --time=04:00:00
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --signal=B:TERM@60

plan=${1:?usage: sbatch collapsar-array.sh PLAN}

# what Slurm gives is what is taken; without a limit of Slurm's, none is kept
memory=()
[ "${SLURM_MEM_PER_NODE:-0}" -gt 0 ] && memory=(-M "${SLURM_MEM_PER_NODE}M")

"${COLLAPSAR:-collapsar}" batch run "$plan" --shard "$SLURM_ARRAY_TASK_ID/$SLURM_ARRAY_TASK_COUNT" \
    -T "${SLURM_CPUS_PER_TASK:-1}" "${memory[@]}" --no-progress &
worker=$!
trap 'kill -TERM "$worker" 2>/dev/null' TERM
wait "$worker"
code=$?
# the trap ends a wait; the worker's own end comes behind it
if ((code > 128)) && kill -0 "$worker" 2>/dev/null; then
    wait "$worker"
    code=$?
fi

# 75: SIGTERM came, a minute before the end of the time or by preemption; there is more to do
if ((code == 75)); then
    scontrol requeue "${SLURM_ARRAY_JOB_ID}_${SLURM_ARRAY_TASK_ID}"
fi
exit "$code"
