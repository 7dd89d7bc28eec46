// Asks the SQL port as tools with PostgreSQL's JDBC driver do. Each check prints its name and what it got.
import java.sql.*;
import java.util.*;

public class Jdbc {
    interface Check {
        Object run() throws Exception;
    }

    static void check(String name, Check check) {
        String got;
        try {
            got = String.valueOf(check.run());
        } catch (Exception error) {
            got = "FAILED " + error;
        }
        System.out.println(name + "\t" + got.replace("\n", " "));
    }

    static List<String> column(ResultSet rows, String name) throws SQLException {
        List<String> values = new ArrayList<>();
        try (rows) {
            while (rows.next()) values.add(rows.getString(name));
        }
        return values;
    }

    public static void main(String[] args) throws Exception {
        Properties login = new Properties();
        login.setProperty("user", "analyst");
        login.setProperty("password", System.getenv("SQL_PASSWORD"));
        login.setProperty("ApplicationName", "DBeaver - Metadata");
        try (Connection connection = DriverManager.getConnection(args[0], login)) {
            DatabaseMetaData about = connection.getMetaData();
            check("product", about::getDatabaseProductName);
            check("schemas", () -> column(about.getSchemas(), "TABLE_SCHEM").contains("mlflow"));
            check("catalogs", () -> column(about.getCatalogs(), "TABLE_CAT").size() > 0);
            check("tables", () -> column(about.getTables(null, "mlflow", "%", new String[] {"TABLE"}), "TABLE_NAME").containsAll(List.of("runs", "metrics", "params")));
            check("views", () -> column(about.getTables(null, "mlflow", "v1%", new String[] {"VIEW"}), "TABLE_NAME").contains("v1_runs"));
            check("columns", () -> column(about.getColumns(null, "mlflow", "params", "%"), "COLUMN_NAME"));
            check("primary key", () -> column(about.getPrimaryKeys(null, "mlflow", "params"), "COLUMN_NAME"));
            check("foreign keys", () -> column(about.getImportedKeys(null, "mlflow", "params"), "FKCOLUMN_NAME"));
            check("indexes", () -> column(about.getIndexInfo(null, "mlflow", "params", false, true), "INDEX_NAME").size() > 0);
            check("types", () -> column(about.getTypeInfo(), "TYPE_NAME").contains("int8"));
            check("functions", () -> column(about.getFunctions(null, "mlflow", "%"), "FUNCTION_NAME").size() >= 0);
            check("fetch size", () -> {
                connection.setAutoCommit(false);
                try (Statement statement = connection.createStatement()) {
                    statement.setFetchSize(100);
                    ResultSet rows = statement.executeQuery("SELECT i FROM generate_series(1, 2500) AS s(i) ORDER BY i");
                    long sum = 0;
                    while (rows.next()) sum += rows.getLong(1);
                    return sum;
                } finally {
                    connection.commit();
                    connection.setAutoCommit(true);
                }
            });
            // From the fifth time on the driver keeps the statement on the server, and asks for binary values.
            check("prepared", () -> {
                try (PreparedStatement statement = connection.prepareStatement(
                        "SELECT ?::int8 + 1 AS a, ?::text AS b, ?::float8 AS c, ?::bool AS d, ?::timestamptz AS e, ?::int4[] AS f, ?::numeric AS g")) {
                    String last = "";
                    for (int i = 0; i < 8; i++) {
                        statement.setLong(1, 41);
                        statement.setString(2, "grün");
                        statement.setDouble(3, 0.5);
                        statement.setBoolean(4, true);
                        statement.setTimestamp(5, Timestamp.from(java.time.Instant.ofEpochMilli(1_700_000_000_123L)));
                        statement.setArray(6, connection.createArrayOf("int4", new Integer[] {1, 2}));
                        statement.setBigDecimal(7, new java.math.BigDecimal("12.50"));
                        try (ResultSet row = statement.executeQuery()) {
                            row.next();
                            last = row.getLong(1) + " " + row.getString(2) + " " + row.getDouble(3) + " " + row.getBoolean(4) + " "
                                + row.getTimestamp(5).getTime() + " " + Arrays.toString((Object[]) row.getArray(6).getArray()) + " " + row.getBigDecimal(7);
                        }
                    }
                    return last;
                }
            });
            check("view", () -> {
                try (PreparedStatement statement = connection.prepareStatement("SELECT run_name, metrics FROM mlflow.v1_runs WHERE experiment_name = ?")) {
                    statement.setString(1, "Default");
                    ResultSet rows = statement.executeQuery();
                    rows.next();
                    return rows.getString(1) + " " + rows.getString(2) + " " + rows.getMetaData().getColumnTypeName(2);
                }
            });
            check("write", () -> {
                try (Statement statement = connection.createStatement()) {
                    statement.executeUpdate("DELETE FROM mlflow.runs");
                    return "done";
                } catch (SQLException refused) {
                    return "refused " + refused.getSQLState();
                }
            });
            check("read only", () -> {
                connection.setReadOnly(true);
                try (Statement statement = connection.createStatement()) {
                    return column(statement.executeQuery("SELECT 1 AS one"), "one");
                } finally {
                    connection.setReadOnly(false);
                }
            });
            check("error, then on", () -> {
                try (Statement statement = connection.createStatement()) {
                    try {
                        statement.executeQuery("SELECT nothing");
                    } catch (SQLException error) {
                        return error.getSQLState() + " " + column(statement.executeQuery("SELECT 2 AS two"), "two");
                    }
                    return "no error";
                }
            });
            check("query timeout", () -> {
                try (Statement statement = connection.createStatement()) {
                    statement.setQueryTimeout(1);
                    statement.executeQuery("SELECT count(*) FROM generate_series(1, 100000) a, generate_series(1, 100000) b");
                    return "answered";
                } catch (SQLException ended) {
                    return "ended " + ended.getSQLState();
                }
            });
            check("valid", () -> connection.isValid(2));
        }
    }
}
