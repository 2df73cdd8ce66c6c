-- fits: 1
-- Cases that are not settled: open, or decided and yet to end in a purge. They are looked
-- at every second, and there are few.
CREATE INDEX cases_unsettled ON cases (id)
WHERE installation_id IS NOT NULL AND (closed_at IS NULL OR outcome IN ('purge', 'unanswered'));
