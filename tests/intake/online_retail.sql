-- What the worked example must come to, worked out from the rows alone. Shares nothing with the program but the mapping's
-- rules in words: see examples/online_retail.mapping.toml and docs/guides/import-your-receipts.md.

-- Rows as the file has them, and what each is. `raw` was filled by COPY.
CREATE TEMP TABLE fact AS
SELECT row_no, invoice, code, quantity::int AS quantity, at::timestamp AS at, customer, country, description,
    price, left(invoice, 1) = 'C' AS is_return,
    CASE
        WHEN code IN ('AMAZONFEE', 'B', 'BANK CHARGES', 'CRUK', 'S') THEN 'not-a-product'
        WHEN price::numeric * 100 <> trunc(price::numeric * 100) THEN 'bad-amount'
        WHEN left(invoice, 1) <> 'C' AND quantity::int < 0 THEN 'negative-quantity'
        WHEN price::numeric < 0 THEN 'negative-amount'
        WHEN price::numeric = 0 THEN 'zero-price'
    END AS reason,
    (abs(quantity::numeric) * price::numeric * 100)::bigint AS fen
FROM raw;

-- Good rows of a receipt one of whose rows cannot be read wait for it.
UPDATE fact f SET reason = 'incomplete-receipt'
WHERE reason IS NULL AND invoice IN (SELECT invoice FROM fact WHERE reason IN ('bad-amount', 'negative-amount'));

-- Of rows equal in every cell the first stays.
CREATE TEMP TABLE good AS
SELECT * FROM (
    SELECT *, row_number() OVER (
        PARTITION BY invoice, code, description, quantity, at, price, customer, country ORDER BY row_no) AS nth
    FROM fact WHERE reason IS NULL OR reason = 'incomplete-receipt') numbered;

CREATE TEMP TABLE expected_count AS
SELECT 'accepted' AS what, count(*) FROM good WHERE nth = 1 AND reason IS NULL
UNION ALL SELECT 'merged', count(*) FROM good WHERE nth > 1
UNION ALL SELECT f.reason, count(*) FROM fact f
    WHERE f.reason IS NOT NULL AND NOT EXISTS (SELECT FROM good g WHERE g.row_no = f.row_no AND g.nth > 1) GROUP BY 1;

CREATE TEMP TABLE sold AS
SELECT g.row_no, g.invoice, g.code, g.customer, g.quantity::bigint AS left_over, g.fen AS fen_left, r.at, r.first_row
FROM good g JOIN (SELECT invoice, min(at) AS at, min(row_no) AS first_row FROM good WHERE nth = 1 AND reason IS NULL GROUP BY 1) r
    USING (invoice)
WHERE g.nth = 1 AND g.reason IS NULL AND NOT g.is_return;
CREATE INDEX ON sold (customer, code);
CREATE UNIQUE INDEX ON sold (row_no);

CREATE TEMP TABLE returned AS
SELECT g.row_no, g.invoice, g.code, g.customer, -g.quantity::bigint AS pieces, g.fen, r.at, r.first_row, NULL::text AS sale
FROM good g JOIN (SELECT invoice, min(at) AS at, min(row_no) AS first_row FROM good WHERE nth = 1 AND reason IS NULL GROUP BY 1) r
    USING (invoice)
WHERE g.nth = 1 AND g.reason IS NULL AND g.is_return;
CREATE INDEX ON returned (row_no);
ANALYZE sold, returned;

-- Each returned row takes the latest earlier sale of the article to the customer with enough left, in order of time.
DO $$
DECLARE
    back record;
    match record;
BEGIN
    FOR back IN SELECT * FROM returned WHERE customer IS NOT NULL ORDER BY at, row_no LOOP
        SELECT s.row_no, s.invoice INTO match FROM sold s
        WHERE s.customer = back.customer AND s.code = back.code AND s.at <= back.at
            AND s.left_over >= back.pieces AND s.fen_left >= back.fen
        ORDER BY s.at DESC, s.first_row DESC, s.row_no DESC LIMIT 1;
        IF FOUND THEN
            UPDATE sold SET left_over = left_over - back.pieces, fen_left = fen_left - back.fen WHERE row_no = match.row_no;
            UPDATE returned SET sale = match.invoice WHERE row_no = back.row_no;
        END IF;
    END LOOP;
END $$;

-- A point a pound, rounded down once per receipt. A return takes back what the kept goods no longer earn; one without its
-- sale takes back what its goods would earn, but never more than there is.
CREATE TEMP TABLE expected_points AS
SELECT customer, 0::bigint AS points FROM good WHERE FALSE;

DO $$
DECLARE
    act record;
    balance bigint := 0;
    kept jsonb;
    member text;
    paid bigint;
    part bigint;
BEGIN
    FOR act IN
        SELECT customer, at, 0 AS turn, first_row, 0 AS part_no, invoice, NULL::text AS sale, sum(fen)::bigint AS fen FROM (
            SELECT g.customer, g.invoice, g.fen, s.at, s.first_row FROM good g JOIN sold s USING (row_no)) sale_rows
        WHERE customer IS NOT NULL GROUP BY customer, at, first_row, invoice
        UNION ALL
        SELECT customer, at, 1, first_row, min(row_no), invoice, sale, sum(fen)::bigint FROM returned
        WHERE customer IS NOT NULL GROUP BY customer, at, first_row, invoice, sale
        ORDER BY customer, at, turn, first_row, part_no
    LOOP
        IF member IS DISTINCT FROM act.customer THEN
            IF member IS NOT NULL THEN
                INSERT INTO expected_points VALUES (member, balance);
            END IF;
            member := act.customer;
            balance := 0;
            kept := '{}';
        END IF;
        IF act.turn = 0 THEN
            kept := kept || jsonb_build_object(act.invoice, act.fen);
            balance := balance + act.fen / 100;
        ELSIF act.sale IS NOT NULL THEN
            paid := (kept->>act.sale)::bigint;
            balance := balance - (paid / 100 - (paid - act.fen) / 100);
            kept := kept || jsonb_build_object(act.sale, paid - act.fen);
        ELSE
            part := act.fen / 100;
            balance := balance - least(part, greatest(balance, 0));
        END IF;
    END LOOP;
    IF member IS NOT NULL THEN
        INSERT INTO expected_points VALUES (member, balance);
    END IF;
END $$;
