-- A tenant whose reader role is not there (a dump that was put back without its roles) hides its own rows
-- alone: pg_has_role() by name raises for it, and so did every view for every tenant. By oid there is
-- none, and NULL is no permission. Only that changes of the views that have the old condition.
SET LOCAL ROLE pumpjack_owner;
SET LOCAL search_path = pg_catalog;  -- so that definitions come with all names in full

DO $$
DECLARE
    c_by_name CONSTANT text := 'pg_has_role(CURRENT_USER, t.reader_role, ''USAGE''::text)';
    c_by_oid CONSTANT text := 'pg_has_role(CURRENT_USER, to_regrole(quote_ident(t.reader_role))::oid, ''USAGE''::text)';
    v_view record;
BEGIN
    FOR v_view IN
        SELECT c.oid, c.relname, pg_get_viewdef(c.oid) AS definition
        FROM pg_class AS c
        WHERE c.relnamespace = 'pumpjack'::regnamespace AND c.relkind = 'v'
          AND pg_get_viewdef(c.oid) LIKE '%pg_has_role%'
          AND pg_get_viewdef(c.oid) NOT LIKE '%to_regrole%'  -- those of 0041 to 0043 were made so
        ORDER BY c.relname
    LOOP
        CONTINUE WHEN strpos(v_view.definition, 'to_regrole') > 0;  -- made since, and right
        IF strpos(v_view.definition, c_by_name) = 0 THEN
            RAISE EXCEPTION 'the view pumpjack.% says who may read it in words that are not known', v_view.relname;
        END IF;
        EXECUTE format('CREATE OR REPLACE VIEW pumpjack.%I WITH (security_barrier) AS %s',
                       v_view.relname, replace(v_view.definition, c_by_name, c_by_oid));
    END LOOP;
END
$$;
