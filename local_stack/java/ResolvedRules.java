import java.util.Set;
import org.apache.spark.sql.catalyst.analysis.ResolvedTable;
import org.apache.spark.sql.catalyst.catalog.CatalogTable;
import org.apache.spark.sql.catalyst.catalog.HiveTableRelation;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.SubqueryExpression;
import org.apache.spark.sql.catalyst.plans.QueryPlan;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.connector.catalog.Table;
import org.apache.spark.sql.connector.write.RowLevelOperationTable;
import org.apache.spark.sql.execution.datasources.HadoopFsRelation;
import org.apache.spark.sql.execution.datasources.LogicalRelation;
import org.apache.spark.sql.execution.datasources.v2.DataSourceV2Relation;
import org.apache.spark.sql.execution.datasources.v2.FileTable;
import scala.jdk.javaapi.CollectionConverters;

/** What the names of a statement may turn out to be: tables and files of the warehouse, and no code. */
final class ResolvedRules {

  private static final Set<String> TABLES =
      Set.of("org.apache.iceberg.spark.source.", "com.mongodb.spark.sql.connector.", "org.apache.spark.sql.connector.catalog.V1Table");
  private static final Set<String> CODE = Set.of("CallMethodViaReflection", "PythonUDF", "PythonUDAF", "PythonUDTF", "ScalaUDF");

  /** Refuses a plan that reads anything else. */
  static void check(LogicalPlan plan) {
    checkNode(plan);
    for (Expression expression : CollectionConverters.asJava(plan.expressions())) {
      check(expression);
    }
    for (LogicalPlan child : CollectionConverters.asJava(plan.children())) {
      check(child);
    }
    for (QueryPlan<?> inner : CollectionConverters.asJava(plan.innerChildren())) {
      if (inner instanceof LogicalPlan other) {
        check(other);
      }
    }
  }

  private static void check(Expression expression) {
    String kind = expression.getClass().getSimpleName();
    if (CODE.contains(kind) || expression.getClass().getName().startsWith("org.apache.spark.sql.hive.")) {
      throw new Refusal("A function runs code (" + kind + ")");
    }
    if (expression instanceof SubqueryExpression subquery) {
      check(subquery.plan());
    }
    CollectionConverters.asJava(expression.children()).forEach(ResolvedRules::check);
  }

  private static void checkNode(LogicalPlan node) {
    if (node instanceof LogicalRelation relation) {
      if (!(relation.relation() instanceof HadoopFsRelation files)) {
        throw new Refusal("Only tables and files of the warehouse can be read, not " + relation.relation());
      }
      CollectionConverters.asJava(files.location().rootPaths()).forEach(path -> WarehousePaths.check(path.toString()));
    } else if (node instanceof HiveTableRelation relation) {
      check(relation.tableMeta());
    } else if (node instanceof DataSourceV2Relation relation) {
      check(relation.table());
    } else if (node instanceof ResolvedTable resolved) {
      check(resolved.table());
    } else if (node.getClass().getSimpleName().matches("Streaming.*|ScriptTransformation|InsertInto.*Dir(Command)?")) {
      throw new Refusal("Nobody may use this here (" + node.getClass().getSimpleName() + ")");
    }
  }

  private static void check(CatalogTable table) {
    table.storage().locationUri().foreach(place -> {
      WarehousePaths.check(place.toString());
      return null;
    });
  }

  private static void check(Table table) {
    String kind = table.getClass().getName();
    if (table instanceof RowLevelOperationTable written) {
      check(written.table());
      return;
    }
    if (table instanceof FileTable files) {
      CollectionConverters.asJava(files.fileIndex().rootPaths()).forEach(path -> WarehousePaths.check(path.toString()));
    } else if (TABLES.stream().noneMatch(kind::startsWith)) {
      throw new Refusal("Only tables and files of the warehouse can be read, not a " + kind);
    }
    String place = table.properties().get("location");
    if (place != null) {
      WarehousePaths.check(place);
    }
  }

  private ResolvedRules() {}
}
