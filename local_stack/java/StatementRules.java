import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.Literal;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.StructField;
import scala.Option;
import scala.Product;
import scala.Tuple2;
import scala.jdk.javaapi.CollectionConverters;

/** What a statement may consist of, by its tree as parsed, before any name in it is looked up. */
final class StatementRules {

  private final SqlUsers.Role role;

  StatementRules(SqlUsers.Role role) {
    this.role = role;
  }

  /** Refuses a statement, or an expression, with anything in it that is not allowed. */
  void check(Object tree) {
    visit("", tree);
  }

  private void visit(String name, Object part) {
    if (part instanceof Option<?> option) {
      option.foreach(value -> {
        visit(name, value);
        return null;
      });
    } else if (part instanceof String text) {
      checkText(name, text);
    } else if (part instanceof scala.collection.Map<?, ?> map) {
      map.foreach(entry -> {
        checkOption(String.valueOf(entry._1()), entry._2());
        return null;
      });
    } else if (part instanceof Map<?, ?> map) {
      map.forEach((key, value) -> checkOption(String.valueOf(key), value));
    } else if (part instanceof scala.collection.Iterable<?> several) {
      CollectionConverters.asJava(several).forEach(each -> visit(name, each));
    } else if (part instanceof Product product && isOfStatement(product)) {
      checkNode(product);
      if (product.getClass().getSimpleName().equals("CreateTempViewUsing")) {
        HotView.check(product);
        return;
      }
      for (int index = 0; index < product.productArity(); index++) {
        visit(product.productElementName(index), product.productElement(index));
      }
    }
  }

  /** Types say nothing of what a statement does. All else is looked into, in whatever it is wrapped. */
  private static boolean isOfStatement(Product part) {
    return !(part instanceof DataType || part instanceof StructField);
  }

  private void checkNode(Product node) {
    String kind = node.getClass().getSimpleName();
    if (node instanceof LogicalPlan) {
      StatementKinds.check(kind, role);
    }
    switch (kind) {
      case "UnresolvedRelation", "UnresolvedTable", "UnresolvedTableOrView", "UnresolvedIdentifier" ->
          checkRelation(names(node, 0));
      case "InsertIntoStatement" -> checkTarget(node.productElement(0));
      case "UnresolvedFunction", "UnresolvedTableValuedFunction" -> checkFunction(names(node, 0), arity(node));
      case "UnresolvedGenerator" -> checkFunction(List.of(node.productElement(0).toString()), arity(node));
      case "UnresolvedProcedure" -> StatementKinds.checkProcedure(last(names(node, 0)));
      case "Call" -> checkArguments(node.productElement(1));
      case "SetCommand" -> checkSetting((Option<?>) node.productElement(0));
      case "ExpressionWithUnresolvedIdentifier", "PlanWithUnresolvedIdentifier" ->
          throw new Refusal("IDENTIFIER(...) hides what a statement names");
      case "FormatClasses" -> throw new Refusal("A table's format is named by USING, not by classes");
      default -> { }
    }
  }

  private void checkText(String name, String text) {
    switch (name) {
      case "location", "path" -> WarehousePaths.check(text);
      case "provider" -> StatementKinds.checkProvider(text);
      case "serde" -> throw new Refusal("A table's format is named by USING, not by a class");
      default -> { }
    }
  }

  /** A table's or relation's options and properties: where they name a place, it is inside the warehouse. */
  private void checkOption(String key, Object value) {
    String name = key.toLowerCase(Locale.ROOT);
    if (name.matches(".*(impl|class|factory|provider|format-version-file)$")) {
      throw new Refusal("The option " + key + " names code");
    }
    String text = value instanceof Literal literal ? String.valueOf(literal.value()) : String.valueOf(value);
    boolean isPlace = name.matches(".*(path|paths|location|dir|uri|url|file|files|manifest)$");
    if ((isPlace || WarehousePaths.isPath(text) && !isComment(name)) && !WarehousePaths.isInside(text)) {
      throw new Refusal("The option " + key + " names a place outside the warehouse"); // not which: it may hold a secret
    }
  }

  private static boolean isComment(String option) {
    return option.equals("comment") || option.startsWith("skytier.");
  }

  /** In format.`path` the file is read as it is; a table's name is looked up. */
  private static void checkRelation(List<String> names) {
    String first = names.get(0);
    boolean isByPath = names.size() == 2 && (StatementKinds.isProvider(first) || first.contains("."));
    for (String name : names.subList(isByPath ? 1 : 0, names.size())) {
      if (isByPath || WarehousePaths.isPath(name)) {
        StatementKinds.checkProvider(first);
        WarehousePaths.check(name);
      }
    }
  }

  private static void checkTarget(Object table) {
    if (table instanceof Product product && product.getClass().getSimpleName().equals("UnresolvedRelation")) {
      for (String name : names(product, 0)) {
        if (WarehousePaths.isPath(name)) {
          throw new Refusal("Rows go into a table, not into files, as '" + name + "'");
        }
      }
    }
  }

  private static void checkFunction(List<String> names, int arguments) {
    StatementKinds.checkFunction(last(names), arguments);
  }

  /** Of a procedure: what it names outside the warehouse it could delete. */
  private static void checkArguments(Object argument) {
    if (argument instanceof Literal literal) {
      String text = String.valueOf(literal.value());
      if (WarehousePaths.isPath(text) && literal.dataType().typeName().startsWith("string")) {
        WarehousePaths.check(text);
      }
    } else if (argument instanceof scala.collection.Iterable<?> several) {
      CollectionConverters.asJava(several).forEach(StatementRules::checkArguments);
    } else if (argument instanceof Expression expression) {
      if (expression.getClass().getSimpleName().equals("UnresolvedFunction")) {
        StatementKinds.checkArgumentFunction(last(names(expression, 0)));
      }
      checkArguments(expression.children());
    }
  }

  private static void checkSetting(Option<?> pair) {
    if (pair.isDefined() && pair.get() instanceof Tuple2<?, ?> set && set._2() instanceof Option<?> value && value.isDefined()) {
      SessionSettings.checkChange(String.valueOf(set._1()));
    }
  }

  private static int arity(Product function) {
    return function.productElement(1) instanceof scala.collection.Iterable<?> arguments ? arguments.size() : 0;
  }

  @SuppressWarnings("unchecked")
  private static List<String> names(Object node, int index) {
    return CollectionConverters.asJava((scala.collection.Seq<String>) ((Product) node).productElement(index));
  }

  private static String last(List<String> names) {
    String last = names.get(names.size() - 1);
    return last.substring(last.lastIndexOf('.') + 1);
  }
}
