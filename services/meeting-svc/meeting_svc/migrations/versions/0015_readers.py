"""Who sees which topics, meetings, minutes, decisions, requests, plans and files: keys of each row, indexed for lists."""

from zhengling.migrations import apply, execute, seen_by, seen_by_government

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    apply("0005_readers.up")
    execute("ALTER TABLE meeting ADD COLUMN open_to jsonb NOT NULL DEFAULT '[]';")
    seen_by(
        "topic",
        "ARRAY[CASE WHEN aspects ? 'needs_secrecy' THEN '#' ELSE '@' END, 'u:' || sponsor, 'p:' || submitted_by]",
        "ARRAY['p:' || convener, 'm:' || meeting_id, CASE WHEN jsonb_array_length(aspects) > 0 THEN 'r:justice_organ' END]",
        "reader_keys('u:', concerned)",
    )
    execute(
        "CREATE INDEX topic_papers ON topic USING gin (papers jsonb_path_ops);"
    )  # which topic has a file as its paper
    seen_by(
        "meeting",
        "ARRAY['@', 'u:' || organised_by, 'p:' || called_by, 'p:' || convener, 'p:' || chair, 'p:' || (entrustment->>'to')]",
        "reader_keys('r:', open_to) || reader_keys('p:', members)",
        "reader_keys('p:', participants->'officials') || reader_keys('u:', participants->'organisations')",
        "reader_keys('u:', jsonb_path_query_array(agenda, '$[*].sponsor'))",
        "reader_keys('p:', jsonb_path_query_array(invitees, '$[*].official ? (@ != null)'))",
        "reader_keys('u:', jsonb_path_query_array(invitees, '$[*].organisation ? (@ != null)'))",
        "reader_keys('p:', jsonb_path_query_array(notices, '$[*].recipients[*]'))",
        "reader_keys('p:', jsonb_path_query_array(delegations, '$[*].delegate'))",
        "reader_keys('p:', jsonb_path_query_array(attendance, '$[*].official'))",
    )
    seen_by(
        "minutes",
        "ARRAY['@', 'd:' || meeting_id, 'p:' || drafted_by]",
        "CASE WHEN state IN ('signed', 'waived') THEN ARRAY['m:' || meeting_id] END",
    )
    seen_by(
        "decision",
        "ARRAY['@', 'm:' || meeting_id]",
        "CASE WHEN standing NOT IN ('recorded', 'withdrawn') THEN ARRAY['u:' || (resolution->'lead'->>'code')]"
        " || reader_keys('u:', jsonb_path_query_array(resolution, '$.co_units[*].code')) END",
        "CASE WHEN standing NOT IN ('recorded', 'withdrawn', 'revoked') AND (resolution->>'may_be_published')::boolean"
        " THEN ARRAY['+'] END",
        "CASE WHEN publication = 'published' THEN ARRAY['*'] END",
    )
    seen_by(
        "planning_request",
        "ARRAY['@', 'u:' || sponsor, 'p:' || led_by, 'p:' || requested_by]",
    )
    seen_by(
        "meeting_plan",
        "ARRAY['@', CASE WHEN state = 'adopted' THEN '+' END]",
        "reader_keys('u:', jsonb_path_query_array(items, '$[*].sponsor'))",
    )
    seen_by(
        "file",
        "ARRAY['#', 'p:' || uploaded_by]",
    )


def downgrade() -> None:
    for table in ("file", "meeting_plan", "planning_request", "decision", "minutes", "meeting", "topic"):
        seen_by_government(table)
    execute("DROP INDEX topic_papers;")
    execute("ALTER TABLE meeting DROP COLUMN open_to;")
    apply("0005_readers.down")
